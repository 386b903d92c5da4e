export type ExecutorErrorCode =
  /** An option makes no sense. */
  | 'ERR_VGPU_EXECUTOR_OPTIONS'
  /** The daemon's program is not there. */
  | 'ERR_VGPU_EXECUTOR_MISSING'
  /** The daemon did not start, or ended at once. */
  | 'ERR_VGPU_EXECUTOR_START'
  /** The kind of GPU that was asked for is not there. */
  | 'ERR_VGPU_BACKEND_UNAVAILABLE'
  /** No answer in time. */
  | 'ERR_VGPU_EXECUTOR_TIMEOUT'
  /** The token file cannot be used, or the two sides do not have the same token. */
  | 'ERR_VGPU_EXECUTOR_TOKEN'
  /** Nobody listens at the address. */
  | 'ERR_VGPU_EXECUTOR_UNREACHABLE'
  /** Whoever listens there speaks something else, or another version of it. */
  | 'ERR_VGPU_EXECUTOR_PROTOCOL'
  /** It answered that it cannot serve. */
  | 'ERR_VGPU_EXECUTOR_REFUSED'
  /** The daemon died too often to be started again. */
  | 'ERR_VGPU_EXECUTOR_CRASHING';

interface ExecutorErrorOptions {
  cause?: unknown;
  /** One sentence: what can be done about it. */
  remedy?: string;
}

const brand = Symbol.for('@vgpu/executor/ExecutorError');

/** Every error that @vgpu/executor throws. `code` is stable; the message names the values involved. */
export class ExecutorError extends Error {
  override readonly name = 'ExecutorError';
  readonly code: ExecutorErrorCode;
  readonly remedy: string | undefined;
  readonly [brand] = true;

  constructor(code: ExecutorErrorCode, message: string, options: ExecutorErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.remedy = options.remedy;
  }
}

/** Holds for errors of another copy of this package too, where `instanceof` does not. */
export function isExecutorError(error: unknown): error is ExecutorError {
  return typeof error === 'object' && error !== null && brand in error;
}
