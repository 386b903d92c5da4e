// What this package throws.
import type { Fault } from './fault-table.js';

/** What is wrong, for programs. */
export type ResilienceErrorCode =
  /**
   * An argument or option makes no sense.
   * @remedy Correct the argument that the message names.
   */
  | 'ERR_VGPU_RESILIENCE_ARGUMENT'
  /**
   * The GPU failed; `values` names the fault and its kind.
   * @remedy Let the operation fall back to the CPU; what each kind asks for is in the error's own remedy.
   */
  | 'ERR_VGPU_RESILIENCE_GPU_FAULT'
  /**
   * The GPU failed after it had changed the inputs, so that nothing can compute the same again.
   * @remedy Repeat the operation from a copy of the inputs, or write the result elsewhere.
   */
  | 'ERR_VGPU_RESILIENCE_INPUTS_TOUCHED'
  /**
   * The call took longer than its caller allowed.
   * @remedy Allow more time, or work in smaller pieces.
   */
  | 'ERR_VGPU_RESILIENCE_DEADLINE'
  /**
   * More operations at once than the session allows to run and to wait.
   * @remedy Wait for earlier operations before starting more.
   */
  | 'ERR_VGPU_RESILIENCE_BULKHEAD_FULL'
  /**
   * A line that is no telemetry record, such as one that a crash cut short.
   * @remedy Leave the line out: the others are whole.
   */
  | 'ERR_VGPU_RESILIENCE_RECORD'
  /**
   * The saved state of a circuit breaker cannot be read or written.
   * @remedy Remove the file, or check the rights to its folder: the breaker then begins closed.
   */
  | 'ERR_VGPU_RESILIENCE_SAVED_STATE';

/** A value that an error names. */
export type ErrorValue = string | number | boolean;

export interface ResilienceErrorOptions {
  readonly values?: Readonly<Record<string, ErrorValue>>;
  readonly remedy?: string;
  readonly cause?: unknown;
}

// Shared by the ESM and the CommonJS build, which may both be loaded in one process.
const errorBrand = Symbol.for('@vgpu/resilience/ResilienceError');
const gpuErrorBrand = Symbol.for('@vgpu/resilience/GpuError');

/** Every error that @vgpu/resilience throws. `code` is stable; `values` holds what the message names. */
export class ResilienceError extends Error {
  override readonly name: string = 'ResilienceError';
  readonly [errorBrand] = true;
  readonly code: ResilienceErrorCode;
  readonly values: Readonly<Record<string, ErrorValue>>;
  /** One sentence: what the user can do about it. */
  readonly remedy: string | undefined;

  constructor(code: ResilienceErrorCode, message: string, options: ResilienceErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.values = options.values ?? {};
    this.remedy = options.remedy;
  }
}

/** True for an error of this package, whichever copy of it threw. */
export function isResilienceError(error: unknown): error is ResilienceError {
  return error instanceof Error && errorBrand in error;
}

/** An argument or option that makes no sense. */
export class ResilienceArgumentError extends ResilienceError {
  override readonly name = 'ResilienceArgumentError';

  constructor(message: string, values: Readonly<Record<string, ErrorValue>>) {
    super('ERR_VGPU_RESILIENCE_ARGUMENT', message, { values });
  }
}

const kindRemedies: Partial<Record<Fault['kind'], string>> = {
  caller: 'Correct the arguments of the call: the GPU is fine.',
  'out-of-memory': 'Work in smaller pieces, or free what other programs hold on the GPU.',
  absent: 'Install or update the driver, or let the operation fall back to the CPU.',
  transient: 'Try again later.',
  'context-dead': 'Start a new process, or use process isolation, where a new worker takes over.',
  gone: 'Look into the system log for Xid errors, and reset the GPU or restart the machine.',
};

/** A GPU failed. Throw it from an operation to say what the GPU answered; `fault` says what that means. */
export class GpuError extends ResilienceError {
  override readonly name = 'GpuError';
  readonly [gpuErrorBrand] = true;
  readonly fault: Fault;

  /** @param operation what failed, for the message: a call or a kernel */
  constructor(fault: Fault, operation?: string, options: { readonly cause?: unknown } = {}) {
    const where = operation === undefined ? '' : ` in ${operation}`;
    const remedy = kindRemedies[fault.kind];
    super('ERR_VGPU_RESILIENCE_GPU_FAULT', `the GPU failed${where}: ${fault.name} (${fault.code})`, {
      values: { kind: fault.kind, source: fault.source, code: fault.code, name: fault.name },
      ...(remedy === undefined ? {} : { remedy }),
      cause: options.cause,
    });
    this.fault = fault;
  }
}

/** True for a `GpuError`, whichever copy of the package threw it. */
export function isGpuError(error: unknown): error is GpuError {
  return error instanceof Error && gpuErrorBrand in error;
}

/** The GPU failed after it had begun to change the inputs, so that neither a retry nor the CPU would compute the same. */
export class InputsTouchedError extends ResilienceError {
  override readonly name = 'InputsTouchedError';

  /** @param cause what the GPU answered */
  constructor(operation: string, cause: unknown) {
    super('ERR_VGPU_RESILIENCE_INPUTS_TOUCHED', `${operation} failed after it had changed its inputs`, {
      values: { operation },
      remedy: 'Repeat it from a copy of the inputs, or write the result elsewhere.',
      cause,
    });
  }
}

/** The call as a whole took longer than its caller allowed. The GPU may still be at work on it. */
export class DeadlineExceededError extends ResilienceError {
  override readonly name = 'DeadlineExceededError';

  constructor(operation: string, deadlineMs: number) {
    super('ERR_VGPU_RESILIENCE_DEADLINE', `${operation} took longer than ${deadlineMs} ms`, {
      values: { operation, deadlineMs },
      remedy: 'Allow more time, or work in smaller pieces.',
    });
  }
}

/** More operations at once than the session allows to run and to wait. */
export class BulkheadFullError extends ResilienceError {
  override readonly name = 'BulkheadFullError';

  constructor(
    operation: string,
    limits: { readonly concurrent: number; readonly queued: number },
    cause: unknown,
  ) {
    const { concurrent, queued } = limits;
    const message = `${operation} was refused: ${concurrent} operations are running and ${queued} are waiting`;
    super('ERR_VGPU_RESILIENCE_BULKHEAD_FULL', message, {
      values: { operation, concurrent, queued },
      remedy: 'Wait for earlier operations before starting more.',
      cause,
    });
  }
}
