/**
 * Exit codes of `vgpu run`, `vgpu profile` and `vgpu demo` follow `env`, `nice` and `timeout`, because anything below may be the
 * program's own.
 */
export const EXIT_VGPU_FAILED = 125;
export const EXIT_NOT_EXECUTABLE = 126;
export const EXIT_NOT_FOUND = 127;

/** Exit codes of the commands that run no program. */
export const EXIT_FAILED = 1;
export const EXIT_CANCELLED = 2;
/** The command did its work, and what it looked at is not as it should be. */
export const EXIT_FINDINGS = 3;

export type ErrorCode =
  | 'ERR_VGPU_PROGRAM_NOT_FOUND'
  | 'ERR_VGPU_PROGRAM_NOT_EXECUTABLE'
  | 'ERR_VGPU_PROGRAM_NOT_STARTED'
  | 'ERR_VGPU_INTERRUPTED'
  | 'ERR_VGPU_PRELOAD_PATH'
  | 'ERR_VGPU_CHECK_REPORT'
  | 'ERR_VGPU_PROFILE_REPORT'
  | 'ERR_VGPU_USAGE'
  | 'ERR_VGPU_CANCELLED'
  | 'ERR_VGPU_FILE_NOT_FOUND'
  | 'ERR_VGPU_FILE_ACCESS'
  | 'ERR_VGPU_FILE_IO'
  | 'ERR_VGPU_NOT_A_FILE'
  | 'ERR_VGPU_NOT_A_FOLDER'
  | 'ERR_VGPU_OUTPUT_EXISTS'
  | 'ERR_VGPU_OUTPUT_IS_INPUT'
  | 'ERR_VGPU_LOSSY'
  | 'ERR_VGPU_NEEDS_CONSENT'
  | 'ERR_VGPU_NO_REPAIR'
  | 'ERR_VGPU_NO_SPACE'
  | 'ERR_VGPU_NOT_ON_DISK'
  | 'ERR_VGPU_EXECUTOR_FOLDER'
  | 'ERR_VGPU_EXECUTOR_STATE'
  | 'ERR_VGPU_EXECUTOR_RUNNING'
  | 'ERR_VGPU_EXECUTOR_NOT_STARTED'
  | 'ERR_VGPU_EXECUTOR_STUCK'
  | 'ERR_VGPU_NO_EXECUTOR'
  | 'ERR_VGPU_BAD_PROGRAM'
  | 'ERR_VGPU_BAD_INPUT'
  | 'ERR_VGPU_TRACE_OUTPUT'
  | 'ERR_VGPU_NO_PROCESS'
  | 'ERR_VGPU_PROCESS_ACCESS'
  | 'ERR_VGPU_SHIM_ROOT'
  | 'ERR_VGPU_SHIM_PREFLIGHT'
  | 'ERR_VGPU_SHIM_CANARY'
  | 'ERR_VGPU_SHIM_SERVICE'
  | 'ERR_VGPU_SHIM_DISCOVERY'
  | 'ERR_VGPU_SHIM_JOURNAL'
  | 'ERR_VGPU_SHIM_PENDING'
  | 'ERR_VGPU_SHIM_NOT_INSTALLED'
  | 'ERR_VGPU_SHIM_STEP'
  | 'ERR_VGPU_SHIM_UNDONE'
  | 'ERR_VGPU_SHIM_UNDO';

interface CliErrorOptions {
  /** One sentence: what the user can do about it. */
  remedy?: string;
  exitCode?: number;
  cause?: unknown;
}

export class CliError extends Error {
  override readonly name = 'CliError';
  readonly code: ErrorCode;
  readonly remedy: string | undefined;
  /** Of the process; the command's usual one for failures where undefined. */
  readonly exitCode: number | undefined;

  constructor(code: ErrorCode, message: string, options: CliErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.remedy = options.remedy;
    this.exitCode = options.exitCode;
  }
}

/**
 * What the user reads. Errors of the other packages carry `code` and perhaps `remedy` too, but not this class;
 * an error without a code is a mistake in vgpu, so its stack is worth the space.
 */
export function describeError(error: unknown): string {
  if (!(error instanceof Error)) return `vgpu: ${String(error)}\n`;
  const code = stringProperty(error, 'code');
  if (!code?.startsWith('ERR_VGPU_')) return `vgpu: unexpected error: ${error.stack ?? error.message}\n`;

  const lines = [`vgpu: ${error.message} [${code}]`];
  const cause = error.cause instanceof Error ? error.cause.message : '';
  if (!error.message.includes(cause)) lines.push(`cause: ${cause}`);
  const remedy = stringProperty(error, 'remedy');
  if (remedy) lines.push(`remedy: ${remedy}`);
  return `${lines.join('\n  ')}\n`;
}

export function exitCodeOf(error: unknown, otherwise: number): number {
  return error instanceof CliError ? (error.exitCode ?? otherwise) : otherwise;
}

function stringProperty(error: Error, name: string): string | undefined {
  const value: unknown = Reflect.get(error, name);
  return typeof value === 'string' ? value : undefined;
}
