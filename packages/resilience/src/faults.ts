// From a code to what it means.
import { isGpuError, ResilienceArgumentError } from './errors.js';
import {
  type Condition,
  conditionFaults,
  cudaFaults,
  type Fault,
  type FaultKind,
  xidFaults,
} from './fault-table.js';

const cudaByCode = new Map(cudaFaults.map((row) => [row.code, row]));
const xidByCode = new Map(xidFaults.map((row) => [row.code, row]));

function checkCode(code: number, what: string): void {
  if (Number.isInteger(code) && code > 0) return;
  throw new ResilienceArgumentError(`${what} must be a whole number above 0 (0 is success), got ${code}`, {
    code,
  });
}

/**
 * What a result of the CUDA driver means. A code that the table does not have is `unclassified`. O(1).
 *
 * @param code a `CUresult` other than 0
 * @throws ResilienceArgumentError for 0, which is success, and for what is not a positive whole number
 */
export function driverFault(code: number): Fault {
  checkCode(code, 'a CUresult');
  const row = cudaByCode.get(code);
  if (row === undefined || row.driver === null) {
    return { kind: 'unclassified', source: 'driver', code, name: `CUresult ${code}` };
  }
  return { kind: row.kind, source: 'driver', code, name: row.driver };
}

/**
 * What a result of the CUDA runtime means (CUDA 10.1 or later). A code that the table does not have is `unclassified`. O(1).
 *
 * @param code a `cudaError_t` other than 0
 * @throws ResilienceArgumentError for 0, which is success, and for what is not a positive whole number
 */
export function runtimeFault(code: number): Fault {
  checkCode(code, 'a cudaError_t');
  const row = cudaByCode.get(code);
  if (row === undefined || row.runtime === null) {
    return { kind: 'unclassified', source: 'runtime', code, name: `cudaError_t ${code}` };
  }
  return { kind: row.kind, source: 'runtime', code, name: row.runtime };
}

/**
 * What an Xid error means, from NVML's events or the system log. One that the table does not have is `unclassified`.
 *
 * @throws ResilienceArgumentError for what is not a positive whole number
 */
export function xidFault(xid: number): Fault {
  checkCode(xid, 'an Xid');
  const row = xidByCode.get(xid);
  return {
    kind: row?.kind ?? 'unclassified',
    source: 'xid',
    code: xid,
    name: row === undefined ? `Xid ${xid}` : `Xid ${xid}: ${row.name}`,
  };
}

/** A failure that no code of CUDA says. */
export function conditionFault(condition: Condition): Fault {
  const { name, kind } = conditionFaults[condition];
  return { kind, source: 'condition', code: condition, name };
}

/**
 * The fault that an error reports, or `undefined` where it is no failure of a GPU: a `RangeError`, a mistake in the
 * program, an abort. Such errors belong to the caller and never lead to the CPU.
 */
export function faultOf(error: unknown): Fault | undefined {
  return isGpuError(error) ? error.fault : undefined;
}

/** The same fault, seen by a probe on a fresh context: an unknown error there means that the GPU is gone. */
export function faultDuringProbe(fault: Fault): Fault {
  const unknown = (fault.source === 'driver' || fault.source === 'runtime') && fault.code === 999;
  return unknown ? { ...fault, kind: 'gone' } : fault;
}

/** How long the GPU is left alone, where a fault ends its use at all. */
export type FallbackScope = 'operation' | 'session';

/** What the table says about a kind of fault. */
export interface FaultAction {
  /** Throw to the caller, without trying anything else. */
  readonly throws: boolean;
  /** Try the same again: after a pause, after freeing memory, or not at all. */
  readonly retry: 'never' | 'after-pause' | 'after-freeing-memory';
  /** How it counts for the breaker: not at all, as one of several failures, or as reason enough to open. */
  readonly breaker: 'ignore' | 'count' | 'open';
  /** The CPU takes over for the operation, or for the session (unless the breaker may probe again). */
  readonly scope: FallbackScope;
}

/** What happens after each kind of fault. */
export const faultActions: Readonly<Record<FaultKind, FaultAction>> = {
  caller: { throws: true, retry: 'never', breaker: 'ignore', scope: 'operation' },
  'out-of-memory': { throws: false, retry: 'after-freeing-memory', breaker: 'ignore', scope: 'operation' },
  absent: { throws: false, retry: 'never', breaker: 'open', scope: 'session' },
  transient: { throws: false, retry: 'after-pause', breaker: 'count', scope: 'operation' },
  'context-dead': { throws: false, retry: 'never', breaker: 'open', scope: 'session' },
  gone: { throws: false, retry: 'never', breaker: 'open', scope: 'session' },
  unclassified: { throws: false, retry: 'never', breaker: 'count', scope: 'operation' },
};
