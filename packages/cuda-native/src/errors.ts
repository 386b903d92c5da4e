// What this package throws.

/** What is wrong, for programs. */
export type ComputeErrorCode =
  /**
   * An argument or option is of the wrong type, or makes no sense.
   * @remedy Correct the argument that the message names.
   */
  | 'ERR_VGPU_COMPUTE_ARGUMENT'
  /**
   * More elements than an array has.
   * @remedy Pass arrays with room for all elements, or a smaller count.
   */
  | 'ERR_VGPU_COMPUTE_CAPACITY'
  /**
   * An output overlaps another array.
   * @remedy Write the result to memory or a file of its own.
   */
  | 'ERR_VGPU_COMPUTE_OVERLAP'
  /**
   * The operation needs more memory for itself than the session allows.
   * @remedy Raise `memoryLimit` to what the message names.
   */
  | 'ERR_VGPU_COMPUTE_MEMORY_LIMIT'
  /**
   * The system has no memory left.
   * @remedy Work in smaller pieces, or end other programs.
   */
  | 'ERR_VGPU_COMPUTE_OUT_OF_MEMORY'
  /**
   * An integer divisor is 0.
   * @remedy Take the zeros out of the divisor, or divide floating-point numbers.
   */
  | 'ERR_VGPU_COMPUTE_DIVISION_BY_ZERO'
  /**
   * The progress of an operation on disk cannot be kept or read.
   * @remedy Check the disk and the rights to the output's folder; without the `.progress` file the
   * operation begins anew.
   */
  | 'ERR_VGPU_COMPUTE_PROGRESS_FILE'
  /**
   * The file with the sorted runs cannot be written or read; the disk may be full.
   * @remedy Make room in the folder of the output: sorting on disk takes as much space there again.
   */
  | 'ERR_VGPU_COMPUTE_SCRATCH'
  /**
   * A matrix has no inverse.
   * @remedy Check the matrix for rows that depend on each other.
   */
  | 'ERR_VGPU_COMPUTE_SINGULAR'
  /**
   * `device: 'gpu'`, and there is none to use.
   * @remedy Look with `vgpu doctor` what keeps the GPU away, or use `device: 'auto'`.
   */
  | 'ERR_VGPU_COMPUTE_GPU_UNAVAILABLE'
  /**
   * `isolation: 'process'` lacks the guest library or an executor.
   * @remedy Start an executor with `vgpu executor start`, or use `isolation: 'inproc'`.
   */
  | 'ERR_VGPU_COMPUTE_ISOLATION'
  /**
   * The session was closed.
   * @remedy Keep it open for as long as it is used.
   */
  | 'ERR_VGPU_COMPUTE_CLOSED'
  /**
   * The native part of this package is not there, or does not load.
   * @remedy Read what was tried in the message; install the package anew for this platform, or build it.
   */
  | 'ERR_VGPU_COMPUTE_ADDON_MISSING';

/** A value that an error names. */
export type ComputeErrorValue = string | number;

export interface ComputeErrorOptions {
  readonly values?: Readonly<Record<string, ComputeErrorValue>>;
  readonly remedy?: string;
  readonly cause?: unknown;
}

// Shared by the ESM and the CommonJS build, which may both be loaded in one process.
const brand = Symbol.for('@vgpu/cuda-native/ComputeError');

/** What all errors of this package have, `CapacityError` too, which is a `RangeError`. */
export interface ComputeFailure extends Error {
  /** Stable. */
  readonly code: ComputeErrorCode;
  /** What the message names. */
  readonly values: Readonly<Record<string, ComputeErrorValue>>;
  /** One sentence: what can be done about it. */
  readonly remedy: string | undefined;
}

/** Every error that @vgpu/cuda-native throws but for `CapacityError`, and those of @vgpu/resilience. */
export class ComputeError extends Error implements ComputeFailure {
  override readonly name = 'ComputeError';
  readonly [brand] = true;
  readonly code: ComputeErrorCode;
  readonly values: Readonly<Record<string, ComputeErrorValue>>;
  readonly remedy: string | undefined;

  constructor(code: ComputeErrorCode, message: string, options: ComputeErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.values = options.values ?? {};
    this.remedy = options.remedy;
  }
}

/** An operation was told to process more elements than an array has. Nothing has been read or written. */
export class CapacityError extends RangeError implements ComputeFailure {
  override readonly name = 'CapacityError';
  readonly [brand] = true;
  readonly code = 'ERR_VGPU_COMPUTE_CAPACITY';
  readonly values: Readonly<Record<string, ComputeErrorValue>>;
  readonly remedy = 'Pass arrays with room for all elements, or a smaller count.';

  /**
   * @param array its name in the call
   * @param count how many elements were asked for
   * @param capacity how many the array has
   */
  constructor(
    array: string,
    count: number,
    capacity: number,
    options: { readonly cause?: unknown; readonly message?: string } = {},
  ) {
    super(
      options.message ?? `${count} elements of ${array}, which has ${capacity}`,
      options.cause === undefined ? undefined : { cause: options.cause },
    );
    this.values = { array, count, capacity };
  }
}

/** Holds for every error of this package, whichever copy of it threw. */
export function isComputeError(error: unknown): error is ComputeFailure {
  return error instanceof Error && brand in error;
}

export function argumentError(
  message: string,
  values: Readonly<Record<string, ComputeErrorValue>> = {},
): ComputeError {
  return new ComputeError('ERR_VGPU_COMPUTE_ARGUMENT', message, { values });
}
