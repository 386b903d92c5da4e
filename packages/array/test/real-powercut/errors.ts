/** Why a run could not be carried out; a lost commit is a result, not an error. */
export type PowercutErrorCode =
  | 'ERR_VGPU_POWERCUT_ARGUMENT'
  | 'ERR_VGPU_POWERCUT_COMMAND'
  | 'ERR_VGPU_POWERCUT_KERNEL'
  | 'ERR_VGPU_POWERCUT_MACHINE'
  | 'ERR_VGPU_POWERCUT_WRITE_LOG';

export class PowercutError extends Error {
  override readonly name = 'PowercutError';
  readonly code: PowercutErrorCode;
  readonly values: Readonly<Record<string, string | number>>;
  /** One sentence: what to do about it. */
  readonly remedy: string;

  constructor(
    code: PowercutErrorCode,
    message: string,
    options: { values?: Readonly<Record<string, string | number>>; remedy: string; cause?: unknown },
  ) {
    super(`${message}. ${options.remedy}`, { cause: options.cause });
    this.code = code;
    this.values = options.values ?? {};
    this.remedy = options.remedy;
  }
}
