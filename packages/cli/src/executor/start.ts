// `vgpu executor start`: `vgpu executor serve` in the background.
import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { CliError } from '../errors.js';
import { formatBytes } from '../output/bytes.js';
import type { Context, Outcome } from '../output/command.js';
import { executorFolder, makeExecutorFolder } from './folder.js';
import type { Announcement } from './serve.js';

/** `serveArguments` are those of `vgpu executor serve`. */
export async function start(
  serveArguments: readonly string[],
  { signal, progress, say }: Context,
): Promise<Outcome> {
  const folder = executorFolder();
  makeExecutorFolder(folder);
  const announcement = await progress.during('starting the executor', () =>
    startInBackground([...serveArguments, '--log-file', folder.log], folder.log, signal),
  );
  if ('failed' in announcement) {
    // The error is the other process's; its fields came through the pipe.
    const { message, ...fields } = announcement.failed;
    throw Object.assign(new Error(message), fields);
  }
  const { url, device, processId } = announcement.ready;
  say(
    `${device.name}, ${formatBytes(device.memoryBytes)} (${device.backend} backend), process ${processId}, log ${folder.log}`,
  );
  // For a shell's eval.
  return { document: { url, processId, device, log: folder.log }, text: `export VGPU_EXECUTOR=${url}` };
}

async function startInBackground(
  args: readonly string[],
  log: string,
  signal: AbortSignal,
): Promise<Announcement> {
  const [, script = ''] = process.argv;
  const output = openSync(log, 'a', 0o600);
  try {
    const child = spawn(process.execPath, [script, 'executor', 'serve', ...args], {
      // A session of its own: what ends the terminal does not end the executor.
      detached: true,
      stdio: ['ignore', output, output, 'ipc'],
      cwd: '/',
    });
    return await announcementOf(child, log, signal);
  } finally {
    closeSync(output);
  }
}

function announcementOf(child: ChildProcess, log: string, signal: AbortSignal): Promise<Announcement> {
  return new Promise((resolve, reject) => {
    const abort = () => {
      child.kill('SIGTERM');
      reject(signal.reason);
    };
    const fail = (cause?: unknown) => {
      const message = 'the executor ended before it was ready';
      reject(new CliError('ERR_VGPU_EXECUTOR_NOT_STARTED', message, { cause, remedy: `read ${log}` }));
    };
    signal.addEventListener('abort', abort, { once: true });
    child.once('error', fail);
    child.once('exit', () => fail());
    child.once('message', (announcement) => {
      signal.removeEventListener('abort', abort);
      // From here on it lives without us.
      child.unref();
      // Only our own code is at the other end.
      resolve(announcement as Announcement);
    });
  });
}
