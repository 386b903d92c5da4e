type DemoErrorCode =
  /**
   * The data set of the demo is not installed.
   * @remedy Install the package vega-datasets (41 MB) beside @vgpu/cli: `npm install vega-datasets@3`.
   */
  | 'ERR_VGPU_DEMO_NO_DATA'
  /**
   * A line of the data set is not what it should be.
   * @remedy Install the package vega-datasets anew: the data set was changed.
   */
  | 'ERR_VGPU_DEMO_BAD_DATA'
  /**
   * The sources of the demo are not here.
   * @remedy Install @vgpu/cli anew: its archive has them, in examples/cuda.
   */
  | 'ERR_VGPU_DEMO_NO_SOURCES'
  /**
   * No compiler was found.
   * @remedy Install gcc or clang, and for --program cu the CUDA toolkit.
   */
  | 'ERR_VGPU_DEMO_NO_COMPILER'
  /**
   * The compiler does not build the program.
   * @remedy Read the compiler's message in the cause.
   */
  | 'ERR_VGPU_DEMO_NOT_BUILT'
  /**
   * The CUDA program failed.
   * @remedy Read its message; `vgpu doctor` looks whether everything works here.
   */
  | 'ERR_VGPU_DEMO_FAILED'
  /**
   * The program wrote a result that makes no sense.
   * @remedy Report it, with what `vgpu doctor` says.
   */
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
