type DemoErrorCode =
  | 'ERR_VGPU_DEMO_NO_DATA'
  | 'ERR_VGPU_DEMO_BAD_DATA'
  | 'ERR_VGPU_DEMO_NO_SOURCES'
  | 'ERR_VGPU_DEMO_NO_COMPILER'
  | 'ERR_VGPU_DEMO_NOT_BUILT'
  | 'ERR_VGPU_DEMO_FAILED'
  | 'ERR_VGPU_DEMO_BAD_RESULT';

export class DemoError extends Error {
  override readonly name = 'DemoError';
  readonly code: DemoErrorCode;
  /** One sentence: what the user can do about it. */
  readonly remedy: string | undefined;

  constructor(code: DemoErrorCode, message: string, options: { remedy?: string; cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.remedy = options.remedy;
  }
}
