import { remedies } from '../generated/remedies.js';

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
  /**
   * The program, or the interpreter that its first line names, was not found.
   * @remedy Check the path and $PATH.
   */
  | 'ERR_VGPU_PROGRAM_NOT_FOUND'
  /**
   * The program cannot be executed.
   * @remedy Set its permission with chmod +x, and check that it is made for this machine.
   */
  | 'ERR_VGPU_PROGRAM_NOT_EXECUTABLE'
  /**
   * The system refused to start the program.
   * @remedy Read the system's reason in the cause.
   */
  | 'ERR_VGPU_PROGRAM_NOT_STARTED'
  /**
   * A signal came before the program had started.
   * @remedy Call it again.
   */
  | 'ERR_VGPU_INTERRUPTED'
  /**
   * The path of the guest library has a blank or a colon, which the loader takes for a separator.
   * @remedy Install vgpu in a folder without blanks and colons.
   */
  | 'ERR_VGPU_PRELOAD_PATH'
  /**
   * The report of --check cannot be written or read.
   * @remedy Check the path behind --check-report and the space on its disk.
   */
  | 'ERR_VGPU_CHECK_REPORT'
  /**
   * The report of the profiler cannot be written or read.
   * @remedy Check the path behind --output and --html and the space on its disk.
   */
  | 'ERR_VGPU_PROFILE_REPORT'
  /**
   * The command was called wrongly.
   * @remedy See `--help` of the command.
   */
  | 'ERR_VGPU_USAGE'
  /**
   * Cancelled by a signal, or by the answer to a question.
   * @remedy Call it again.
   */
  | 'ERR_VGPU_CANCELLED'
  /**
   * There is no such file.
   * @remedy Check the path.
   */
  | 'ERR_VGPU_FILE_NOT_FOUND'
  /**
   * The file may not be read or written.
   * @remedy Check the permissions of the file and its folder.
   */
  | 'ERR_VGPU_FILE_ACCESS'
  /**
   * The system failed to read or write the file.
   * @remedy Read the system's reason in the cause, and look whether the disk fails.
   */
  | 'ERR_VGPU_FILE_IO'
  /**
   * The path names a folder or a device.
   * @remedy Name a regular file.
   */
  | 'ERR_VGPU_NOT_A_FILE'
  /**
   * The path names no folder.
   * @remedy Name a folder.
   */
  | 'ERR_VGPU_NOT_A_FOLDER'
  /**
   * The output is there already.
   * @remedy Choose another name, or replace it with --force.
   */
  | 'ERR_VGPU_OUTPUT_EXISTS'
  /**
   * The output is one of the inputs.
   * @remedy Choose another name for the output.
   */
  | 'ERR_VGPU_OUTPUT_IS_INPUT'
  /**
   * Values would change.
   * @remedy Choose another dtype or structure, or allow it with --lossy.
   */
  | 'ERR_VGPU_LOSSY'
  /**
   * The command changes something and there is no terminal to ask at.
   * @remedy Agree beforehand with --yes, or look with --dry-run what would be done.
   */
  | 'ERR_VGPU_NEEDS_CONSENT'
  /**
   * No repair of ours helps this file.
   * @remedy Restore it from a backup.
   */
  | 'ERR_VGPU_NO_REPAIR'
  /**
   * The disk has not enough space.
   * @remedy Make room, or choose another folder.
   */
  | 'ERR_VGPU_NO_SPACE'
  /**
   * The folder is a file system in memory.
   * @remedy Choose a folder on a disk with --directory.
   */
  | 'ERR_VGPU_NOT_ON_DISK'
  /**
   * The folder for the executor's socket cannot be used.
   * @remedy Remove it, or set XDG_RUNTIME_DIR to a folder of your own.
   */
  | 'ERR_VGPU_EXECUTOR_FOLDER'
  /**
   * The file that says which executor runs cannot be read.
   * @remedy Remove the file when no vgpu-executor runs.
   */
  | 'ERR_VGPU_EXECUTOR_STATE'
  /**
   * An executor of this user runs already.
   * @remedy Use it, or stop it with `vgpu executor stop`.
   */
  | 'ERR_VGPU_EXECUTOR_RUNNING'
  /**
   * The executor in the background did not start.
   * @remedy Read why in its log: `vgpu executor logs`.
   */
  | 'ERR_VGPU_EXECUTOR_NOT_STARTED'
  /**
   * The executor does not end.
   * @remedy Look what it does (`vgpu executor logs`), and end it with kill -KILL if need be.
   */
  | 'ERR_VGPU_EXECUTOR_STUCK'
  /**
   * No executor runs.
   * @remedy Start one with `vgpu executor start`, or name one with --executor.
   */
  | 'ERR_VGPU_NO_EXECUTOR'
  /**
   * The file is no program or library for Linux, or a damaged one.
   * @remedy Name a program or a shared library for this system.
   */
  | 'ERR_VGPU_BAD_PROGRAM'
  /**
   * An input is not an array that the operation takes.
   * @remedy Convert it first: `vgpu file convert`, or NumPy's astype and reshape.
   */
  | 'ERR_VGPU_BAD_INPUT'
  /**
   * The trace cannot be written or read.
   * @remedy Check the path behind --output and the space on its disk.
   */
  | 'ERR_VGPU_TRACE_OUTPUT'
  /**
   * There is no such process or program.
   * @remedy Check the number or the name; the process may have ended.
   */
  | 'ERR_VGPU_NO_PROCESS'
  /**
   * The process belongs to somebody else.
   * @remedy Call it as that user, or with sudo.
   */
  | 'ERR_VGPU_PROCESS_ACCESS'
  /**
   * Installing needs root.
   * @remedy Call it with sudo.
   */
  | 'ERR_VGPU_SHIM_ROOT'
  /**
   * A check before the installation found something; nothing was changed.
   * @remedy Do what the findings say, and install again.
   */
  | 'ERR_VGPU_SHIM_PREFLIGHT'
  /**
   * Programs behave differently with the library; everything was undone.
   * @remedy Report the programs that the message names; `vgpu run` needs no installation.
   */
  | 'ERR_VGPU_SHIM_CANARY'
  /**
   * A service did not stop, or did not start with the library; everything was undone.
   * @remedy Look into the service's journal: journalctl -u SERVICE.
   */
  | 'ERR_VGPU_SHIM_SERVICE'
  /**
   * A CUDA program in a fresh process does not find what it should; everything was undone.
   * @remedy Look whether the executor serves: `vgpu ps --executor URL`.
   */
  | 'ERR_VGPU_SHIM_DISCOVERY'
  /**
   * The journal of the installation cannot be read or written.
   * @remedy Look at the disk; undo with /usr/lib/vgpu-shim/current/vgpu-shim-recover --all.
   */
  | 'ERR_VGPU_SHIM_JOURNAL'
  /**
   * An earlier installation is not complete or not confirmed.
   * @remedy Confirm it with `vgpu shim confirm`, or undo it with `vgpu shim rollback`.
   */
  | 'ERR_VGPU_SHIM_PENDING'
  /**
   * Nothing is installed.
   * @remedy Install it with `vgpu shim install`.
   */
  | 'ERR_VGPU_SHIM_NOT_INSTALLED'
  /**
   * A step of the installation failed; the steps before it were undone.
   * @remedy Read the cause, mend it, and install again.
   */
  | 'ERR_VGPU_SHIM_STEP'
  /**
   * The installation has been undone, or is being undone.
   * @remedy Look at `vgpu shim status`, and install again.
   */
  | 'ERR_VGPU_SHIM_UNDONE'
  /**
   * Undoing failed.
   * @remedy Call it again, or /usr/lib/vgpu-shim/current/vgpu-shim-recover --all.
   */
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

/** A mistake in vgpu. @remedy Report it, with what was called and what was printed. */
export const UNEXPECTED = 'ERR_VGPU_UNEXPECTED';

/** The error's own remedy, or the one that its code has. Undefined for what has no code of ours. */
export function remedyOf(error: Error): string | undefined {
  const code = stringProperty(error, 'code') ?? '';
  // Who cancels knows what to do.
  if (code === 'ERR_VGPU_CANCELLED') return undefined;
  return stringProperty(error, 'remedy') ?? remedies[code];
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
  const remedy = remedyOf(error);
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
