// Runs a command to its end, or to its time limit, and keeps what it says.
import { spawn } from 'node:child_process';

export interface CommandOptions {
  readonly cwd: string;
  readonly timeoutMs: number;
  readonly env?: NodeJS.ProcessEnv;
}

export interface CommandResult {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly timedOut: boolean;
  readonly milliseconds: number;
  /** Standard output and error as they came. */
  readonly text: string;
}

/** The most that is kept of what it says; a program may print for minutes. */
const KEPT_CHARACTERS = 1 << 20;

export function command(
  file: string,
  args: readonly string[],
  { cwd, timeoutMs, env }: CommandOptions,
): Promise<CommandResult> {
  return new Promise((resolve, reject) => {
    const start = performance.now();
    let text = '';
    let timedOut = false;
    // A group of its own, so that the time limit ends the whole family.
    const child = spawn(file, args, {
      cwd,
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
      ...(env && { env }),
    });
    const keep = (chunk: string): void => {
      if (text.length < KEPT_CHARACTERS) text += chunk;
    };
    child.stdout.setEncoding('utf8').on('data', keep);
    child.stderr.setEncoding('utf8').on('data', keep);
    const limit = setTimeout(() => {
      timedOut = true;
      if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
    }, timeoutMs);
    child.once('error', (error) => {
      clearTimeout(limit);
      reject(error);
    });
    child.once('close', (code, signal) => {
      clearTimeout(limit);
      resolve({ code, signal, timedOut, milliseconds: performance.now() - start, text });
    });
  });
}
