export type ExecutorErrorCode =
  /**
   * An option makes no sense.
   * @remedy Correct the option that the message names.
   */
  | 'ERR_VGPU_EXECUTOR_OPTIONS'
  /**
   * The daemon's program is not there.
   * @remedy Install @vgpu/executor anew for this platform, or build it.
   */
  | 'ERR_VGPU_EXECUTOR_MISSING'
  /**
   * The daemon did not start, or ended at once.
   * @remedy Read why in the message, and in the executor's log.
   */
  | 'ERR_VGPU_EXECUTOR_START'
  /**
   * The kind of GPU that was asked for is not there.
   * @remedy Use `--gpu software`, or look with `vgpu doctor` what the driver lacks.
   */
  | 'ERR_VGPU_BACKEND_UNAVAILABLE'
  /**
   * No answer in time.
   * @remedy Look whether the executor hangs (`vgpu executor logs`), and start it again.
   */
  | 'ERR_VGPU_EXECUTOR_TIMEOUT'
  /**
   * The token file cannot be used, or the two sides do not have the same token.
   * @remedy Give both sides the same file of 16 to 4096 bytes, readable by its owner and group alone.
   */
  | 'ERR_VGPU_EXECUTOR_TOKEN'
  /**
   * Nobody listens at the address.
   * @remedy Start an executor there, or correct the address.
   */
  | 'ERR_VGPU_EXECUTOR_UNREACHABLE'
  /**
   * Whoever listens there speaks something else, or another version of it.
   * @remedy Install the same version of vgpu on both sides.
   */
  | 'ERR_VGPU_EXECUTOR_PROTOCOL'
  /**
   * It answered that it cannot serve.
   * @remedy Wait until other clients have ended, or raise the executor's limits.
   */
  | 'ERR_VGPU_EXECUTOR_REFUSED'
  /**
   * The daemon died too often to be started again.
   * @remedy Read its log (`vgpu executor logs`) for what kills it.
   */
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
