/**
 * Exit codes of vgpu itself follow `env`, `nice` and `timeout`, because anything below may be the program's own.
 */
export const EXIT_VGPU_FAILED = 125;
export const EXIT_NOT_EXECUTABLE = 126;
export const EXIT_NOT_FOUND = 127;

export type ErrorCode =
  | 'ERR_VGPU_PROGRAM_NOT_FOUND'
  | 'ERR_VGPU_PROGRAM_NOT_EXECUTABLE'
  | 'ERR_VGPU_PROGRAM_NOT_STARTED'
  | 'ERR_VGPU_INTERRUPTED'
  | 'ERR_VGPU_PRELOAD_PATH';

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
  readonly exitCode: number;

  constructor(code: ErrorCode, message: string, options: CliErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.remedy = options.remedy;
    this.exitCode = options.exitCode ?? EXIT_VGPU_FAILED;
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
  if (error.cause instanceof Error) lines.push(`cause: ${error.cause.message}`);
  const remedy = stringProperty(error, 'remedy');
  if (remedy) lines.push(`remedy: ${remedy}`);
  return `${lines.join('\n  ')}\n`;
}

export function exitCodeOf(error: unknown): number {
  return error instanceof CliError ? error.exitCode : EXIT_VGPU_FAILED;
}

function stringProperty(error: Error, name: string): string | undefined {
  const value: unknown = Reflect.get(error, name);
  return typeof value === 'string' ? value : undefined;
}
