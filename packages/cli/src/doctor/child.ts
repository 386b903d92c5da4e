import { spawn } from 'node:child_process';

export interface ChildResult {
  /** Undefined when a signal ended it or it did not start. */
  readonly code: number | undefined;
  /** The end of what it wrote, both streams together. */
  readonly output: string;
  /** In words: how it ended. */
  readonly ending: string;
}

const KEPT_CHARACTERS = 2000;

/** Runs a program that may hang or crash, for at most `timeoutMs`. Never rejects. */
export function runChild(
  program: string,
  args: readonly string[],
  { timeoutMs, env }: { timeoutMs: number; env?: NodeJS.ProcessEnv | undefined },
): Promise<ChildResult> {
  return new Promise((resolve) => {
    const child = spawn(program, args, { env, stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    const keep = (text: string) => {
      output = (output + text).slice(-KEPT_CHARACTERS);
    };
    child.stdout.setEncoding('utf8').on('data', keep);
    child.stderr.setEncoding('utf8').on('data', keep);
    let expired = false;
    const timer = setTimeout(() => {
      expired = true;
      child.kill('SIGKILL');
    }, timeoutMs);
    const end = (code: number | undefined, ending: string) => {
      clearTimeout(timer);
      resolve({ code, output: output.trim(), ending });
    };
    child.once('error', (error) => end(undefined, `could not be started: ${error.message}`));
    child.once('close', (code, signal) => {
      if (expired) end(undefined, `did not end within ${timeoutMs / 1000} s`);
      else if (signal) end(undefined, `was killed by ${signal}`);
      else end(code ?? undefined, `ended with status ${code}`);
    });
  });
}
