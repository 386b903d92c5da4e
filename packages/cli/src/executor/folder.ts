// Where the executor that `vgpu executor start` starts keeps its socket, its state and its log: one per user.
import { lstatSync, mkdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { isAbsolute, join } from 'node:path';
import { CliError } from '../errors.js';

export interface ExecutorFolder {
  readonly directory: string;
  readonly socket: string;
  readonly state: string;
  readonly log: string;
}

/** Names only; see makeExecutorFolder. */
export function executorFolder(environment: NodeJS.ProcessEnv = process.env): ExecutorFolder {
  const runtime = environment.XDG_RUNTIME_DIR;
  const directory =
    runtime && isAbsolute(runtime) ? join(runtime, 'vgpu') : join(tmpdir(), `vgpu-executor-${userId()}`);
  return {
    directory,
    socket: join(directory, 'executor.sock'),
    state: join(directory, 'executor.json'),
    log: join(directory, 'executor.log'),
  };
}

/**
 * Makes the folder if need be.
 * @throws CliError ERR_VGPU_EXECUTOR_FOLDER unless it is this user's own and closed to others: whoever owns it could
 * take the socket's place
 */
export function makeExecutorFolder({ directory }: ExecutorFolder): void {
  try {
    mkdirSync(directory, { mode: 0o700, recursive: true });
  } catch (cause) {
    throw new CliError('ERR_VGPU_EXECUTOR_FOLDER', `cannot make the folder ${directory}`, { cause });
  }
  const { uid, mode } = lstatSync(directory);
  const isOwn = uid === userId() && (mode & 0o170022) === 0o040000;
  if (isOwn) return;
  throw new CliError('ERR_VGPU_EXECUTOR_FOLDER', `${directory} is not a folder that only you can change`, {
    remedy: 'remove it, or set XDG_RUNTIME_DIR to a folder of your own',
  });
}

function userId(): number | undefined {
  return process.getuid?.();
}
