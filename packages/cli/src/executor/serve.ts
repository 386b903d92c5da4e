// `vgpu executor serve`: an executor in the foreground, for service managers and containers, and in the background
// for `vgpu executor start`.
import { type Device, Executor, type StartOptions } from '@vgpu/executor';
import { CliError } from '../errors.js';
import type { Context, Outcome } from '../output/command.js';
import { errorDocument } from '../output/json.js';
import { executorFolder, makeExecutorFolder } from './folder.js';
import { LogFile } from './log-file.js';
import { processStartOf, removeState, runningState, writeState } from './state.js';

export interface ServeOptions
  extends Omit<StartOptions, 'socketPath' | 'log' | 'signal' | 'restart' | 'startTimeoutMs'> {
  /** Instead of stderr. */
  readonly logFile?: string | undefined;
}

/** What the process that was started in the background tells the one that started it. */
export type Announcement =
  | { readonly ready: { readonly url: string; readonly device: Device; readonly processId: number } }
  | { readonly failed: { readonly code: string; readonly message: string; readonly remedy?: string } };

export async function serve(
  { logFile, ...options }: ServeOptions,
  { signal, say }: Context,
): Promise<Outcome> {
  try {
    return await serveUntilStopped(options, logFile, signal, say);
  } catch (error) {
    announce({ failed: errorDocument(error) });
    throw error;
  }
}

async function serveUntilStopped(
  options: Omit<ServeOptions, 'logFile'>,
  logFile: string | undefined,
  signal: AbortSignal,
  say: (line: string) => void,
): Promise<Outcome> {
  const folder = executorFolder();
  makeExecutorFolder(folder);
  refuseSecond(folder.state);
  const file = logFile === undefined ? undefined : new LogFile(logFile);
  const log = (line: string) => (file ? file.write(line) : say(line));
  const executor = await Executor.start({ ...options, socketPath: folder.socket, log, signal });
  try {
    writeState(folder.state, {
      processId: process.pid,
      processStart: processStartOf(process.pid) ?? '0',
      url: executor.url,
      listen: [...(options.listen ?? [])],
      log: file?.path ?? '',
    });
    announce({ ready: { url: executor.url, device: executor.device, processId: process.pid } });
    await stopped(executor, signal);
  } finally {
    removeState(folder.state);
    await executor.stop();
  }
  return { document: { url: executor.url }, text: `stopped ${executor.url}` };
}

function refuseSecond(state: string): void {
  const running = runningState(state);
  if (!running) return;
  throw new CliError('ERR_VGPU_EXECUTOR_RUNNING', `an executor runs already at ${running.url}`, {
    remedy: 'stop it with `vgpu executor stop`',
  });
}

/** Resolves when this process is asked to end; rejects when the executor died too often. */
function stopped(executor: Executor, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    // The executor by itself keeps no process alive.
    const alive = setInterval(() => {}, 2 ** 30);
    const end = (settle: () => void) => {
      clearInterval(alive);
      settle();
    };
    executor.once('failed', (error) => end(() => reject(error)));
    if (signal.aborted) end(resolve);
    else signal.addEventListener('abort', () => end(resolve), { once: true });
  });
}

function announce(announcement: Announcement): void {
  if (!process.send) return;
  process.send(announcement);
  process.disconnect();
}
