// The addon: where it is, and everything that it offers.
import { loadAddon } from '@vgpu/native-loader';
import { conditionFault, driverFault, type Fault, GpuError } from '@vgpu/resilience';
import type { Call } from './calls.js';
import { CapacityError, ComputeError, type ComputeErrorCode } from './errors.js';
import type { BatchCalls } from './operations/batches.js';
import type { BitMatrixCalls } from './operations/bit-matrices.js';
import type { ElementwiseCalls } from './operations/elementwise.js';
import type { LayoutCalls } from './operations/layouts.js';
import type { LinearSystemCalls } from './operations/linear-systems.js';
import type { MatrixCalls } from './operations/matrices.js';
import type { NeighbourCalls } from './operations/neighbours.js';
import type { ReductionCalls } from './operations/reductions.js';
import type { ScanCalls } from './operations/scans.js';
import type { SortCalls } from './operations/sorts.js';

/** What can be computed. Every call checks its arguments again, and throws or rejects with a NativeError. */
export interface Engine
  extends ReductionCalls,
    ElementwiseCalls,
    ScanCalls,
    SortCalls,
    MatrixCalls,
    BatchCalls,
    LinearSystemCalls,
    BitMatrixCalls,
    NeighbourCalls,
    LayoutCalls {}

/** A session's memory and operations on the device. */
export interface Gpu extends Engine {
  /** Loads the driver and opens its first device, unless that has been done; so does every operation. */
  readonly open: Call<[]>;
  /** Gives up all that is on the device, for everybody in this process, and opens it anew. */
  readonly reopen: Call<[]>;
  /** Gives the driver memory that was kept for the next operation. */
  readonly freeMemory: Call<[]>;
  /**
   * What is under way reads and writes no arrays from now on, nor keeps the process: everything, or what was begun with `stop`. Its
   * promises may stay open.
   */
  abandon(stop?: Int32Array): void;
  /** As they were at the end of the last operation. */
  counters(): GpuMemory;
  /** Empty before the device has been opened. */
  deviceName(): string;
  /** The Xid errors that NVML told of, as of the end of the last operation that failed, or reopened the device. */
  xids(): number[];
}

/** In bytes; of frees, those that the driver refused. */
export interface GpuMemory {
  readonly usedBytes: number;
  readonly cachedBytes: number;
  readonly failedFrees: number;
}

/** The operations on the CPU, and what they are made with. */
export interface Native extends Engine {
  /** `library` is a driver, for dlopen; `executor` becomes VGPU_EXECUTOR, which a guest library looks at. */
  readonly Gpu: new (
    library: string,
    memoryLimit: number,
    executor: string | undefined,
  ) => Gpu;
  /** portable, avx2 or avx512. */
  readonly instructionSet: string;
  /** A wish for what is not in memory yet: the system need not have large pages. */
  preferLargePages(buffer: ArrayBuffer): void;
  /** How many threads work on an operation. */
  readonly threads: number;
}

/** What the addon throws. `first` and `second` are the two numbers that the message names, else 0. */
export interface NativeError extends Error {
  readonly kind:
    | 'argument'
    | 'capacity'
    | 'overlap'
    | 'memoryLimit'
    | 'outOfMemory'
    | 'divisionByZero'
    | 'singular'
    | 'aborted'
    /** `first` is the driver's CUresult, or 0 where it does not load. */
    | 'gpu';
  readonly first: number;
  readonly second: number;
  /** Of kind `gpu`: the driver's function, with the kernel's name for a launch. */
  readonly call?: string;
}

export function isNativeError(error: unknown): error is NativeError {
  return error instanceof Error && 'kind' in error && 'first' in error;
}

const codes: Record<Exclude<NativeError['kind'], 'capacity' | 'aborted' | 'gpu'>, ComputeErrorCode> = {
  argument: 'ERR_VGPU_COMPUTE_ARGUMENT',
  overlap: 'ERR_VGPU_COMPUTE_OVERLAP',
  memoryLimit: 'ERR_VGPU_COMPUTE_MEMORY_LIMIT',
  outOfMemory: 'ERR_VGPU_COMPUTE_OUT_OF_MEMORY',
  divisionByZero: 'ERR_VGPU_COMPUTE_DIVISION_BY_ZERO',
  singular: 'ERR_VGPU_COMPUTE_SINGULAR',
};

const remedies: Partial<Record<NativeError['kind'], string>> = {
  overlap: 'Write to an array of its own, or to exactly the elements that are read.',
  memoryLimit: 'Raise memoryLimit, or work in smaller pieces.',
  outOfMemory: 'Free memory, or work in smaller pieces.',
  divisionByZero: 'Replace divisors that are 0 before dividing.',
  singular: 'Look for rows or columns that are 0 or depend on others.',
};

/**
 * The addon's errors become ours, all others stay. What was stopped otherwise than by `signal` was given up with another operation
 * that hung.
 */
export function translate(error: unknown, signal: AbortSignal | undefined): unknown {
  if (!isNativeError(error)) return error;
  const { kind, first, second, message } = error;
  if (kind === 'aborted') {
    if (signal?.aborted === true) return signal.reason;
    return new GpuError(conditionFault('hung'), message, { cause: error });
  }
  if (kind === 'gpu') return new GpuError(gpuFault(first), message, { cause: error });
  if (kind === 'capacity') return new CapacityError('an array', first, second, { cause: error, message });
  const values =
    kind === 'memoryLimit'
      ? { needed: first, memoryLimit: second }
      : kind === 'divisionByZero'
        ? { index: first }
        : kind === 'singular'
          ? { pivot: first }
          : {};
  const remedy = remedies[kind];
  return new ComputeError(codes[kind], message, {
    values,
    cause: error,
    ...(remedy === undefined ? {} : { remedy }),
  });
}

/** What a guest library answers once its worker is gone. */
const rpcFailure = 806;

function gpuFault(code: number): Fault {
  if (code === 0) return conditionFault('library-missing');
  return code === rpcFailure ? conditionFault('worker-died') : driverFault(code);
}

let loaded: Native | undefined;

/**
 * The addon, loaded at the first call.
 *
 * @throws ComputeError ERR_VGPU_COMPUTE_ADDON_MISSING, naming every place that was tried and why it would not do.
 */
export function native(): Native {
  loaded ??= load();
  return loaded;
}

function load(): Native {
  const found = loadAddon<Native>({
    package: '@vgpu/cuda-native',
    from: import.meta.url,
    file: 'lib/vgpu_compute.node',
    variable: 'VGPU_COMPUTE_ADDON',
  });
  if ('value' in found) return found.value;
  const { message, remedy, causes } = found.problem;
  throw new ComputeError('ERR_VGPU_COMPUTE_ADDON_MISSING', message, { remedy, cause: causes[0] });
}
