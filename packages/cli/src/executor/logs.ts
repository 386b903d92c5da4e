// `vgpu executor logs`
import { closeSync, fstatSync, openSync, readFileSync, readSync, statSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { CliError } from '../errors.js';
import type { Context, Outcome } from '../output/command.js';
import { executorFolder } from './folder.js';

interface LogsOptions {
  readonly lines: number;
  readonly follow?: boolean | undefined;
  readonly json?: boolean | undefined;
}

const POLL_MS = 200;
const PIECE_BYTES = 64 * 1024;

/** The last lines; with `follow` also those that come, until the command is cancelled. */
export async function logs(options: LogsOptions, { signal }: Context): Promise<Outcome> {
  if (options.follow && options.json) {
    throw new CliError('ERR_VGPU_USAGE', '--follow does not end, so it cannot print one JSON document', {
      remedy: 'leave out --json',
    });
  }
  const { log } = executorFolder();
  const lines = lastLines(log, options.lines);
  if (!options.follow) return { document: { path: log, lines }, text: lines.join('\n') };
  if (lines.length > 0) process.stdout.write(`${lines.join('\n')}\n`);
  await follow(log, signal);
  return { document: {}, text: '' };
}

function lastLines(log: string, count: number): string[] {
  const lines = [`${log}.1`, log].flatMap((path) => textOf(path)?.split('\n').slice(0, -1) ?? []);
  if (textOf(log) === undefined) {
    throw new CliError('ERR_VGPU_FILE_NOT_FOUND', `there is no log at ${log}`, {
      remedy: 'start an executor with `vgpu executor start`',
    });
  }
  return count === 0 ? [] : lines.slice(-count);
}

function textOf(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw new CliError('ERR_VGPU_FILE_ACCESS', `cannot read ${path}`, { cause: error });
  }
}

/** Prints what is appended, also to the file that takes this one's place. Rejects when `signal` says so. */
async function follow(log: string, signal: AbortSignal): Promise<never> {
  let file = openSync(log, 'r');
  try {
    let position = fstatSync(file).size;
    for (;;) {
      position = printFrom(file, position);
      await sleep(POLL_MS, undefined, { signal });
      const current = statSync(log, { throwIfNoEntry: false });
      if (!current || current.ino === fstatSync(file).ino) continue;
      printFrom(file, position);
      closeSync(file);
      file = openSync(log, 'r');
      position = 0;
    }
  } finally {
    closeSync(file);
  }
}

function printFrom(file: number, start: number): number {
  const piece = Buffer.alloc(PIECE_BYTES);
  let position = start;
  for (;;) {
    const length = readSync(file, piece, 0, piece.length, position);
    if (length === 0) return position;
    process.stdout.write(Buffer.from(piece.subarray(0, length)));
    position += length;
  }
}
