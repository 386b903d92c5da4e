// The system that is changed: this one, or one whose / is mounted somewhere.
import { spawn } from 'node:child_process';
import { realpathSync } from 'node:fs';
import { join } from 'node:path';
import { CliError } from '../errors.js';

export interface Answer {
  /** Undefined when a signal ended it, or it did not start or end in time. */
  readonly code: number | undefined;
  readonly stdout: string;
  readonly stderr: string;
  /** In words: how it ended. */
  readonly ending: string;
}

interface AskOptions {
  readonly timeoutMs: number;
  readonly env?: NodeJS.ProcessEnv;
}

const KEPT_CHARACTERS = 1 << 20;
/** Where programs are looked for, and all the environment that is not asked for. */
const PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

export class SystemRoot {
  /** As it is called here, without symbolic links. */
  readonly path: string;

  constructor(path: string) {
    try {
      this.path = realpathSync(path);
    } catch (cause) {
      throw new CliError('ERR_VGPU_SHIM_ROOT', `there is no folder ${path}`, { cause });
    }
  }

  get isRunning(): boolean {
    return this.path === '/';
  }

  /** What is called `inside` there, as it is called here. */
  at(inside: string): string {
    return join(this.path, inside);
  }

  /** Runs a program of that system, in that system, with nothing in its environment but PATH and `env`. */
  ask(program: string, args: readonly string[], { timeoutMs, env }: AskOptions): Promise<Answer> {
    const environment = { PATH, LC_ALL: 'C', ...env };
    if (this.isRunning) return ask(program, args, environment, timeoutMs);
    // chroot itself is a program of this system, so what is meant for the other one waits until env sets it.
    const assignments = Object.entries(environment).map(([name, value]) => `${name}=${value}`);
    const words = [this.path, '/usr/bin/env', '-i', ...assignments, program, ...args];
    return ask('chroot', words, { PATH: process.env.PATH }, timeoutMs);
  }
}

/** Never rejects. */
export function ask(
  program: string,
  args: readonly string[],
  env: NodeJS.ProcessEnv,
  timeoutMs: number,
): Promise<Answer> {
  return new Promise((resolve) => {
    const child = spawn(program, args, { env, cwd: '/', stdio: ['ignore', 'pipe', 'pipe'] });
    const kept = { stdout: '', stderr: '' };
    for (const name of ['stdout', 'stderr'] as const) {
      child[name].setEncoding('utf8').on('data', (text: string) => {
        kept[name] = (kept[name] + text).slice(0, KEPT_CHARACTERS);
      });
    }
    let expired = false;
    const timer = setTimeout(() => {
      expired = true;
      child.kill('SIGKILL');
      // Whoever it has started may hold the pipes open.
      child.stdout.destroy();
      child.stderr.destroy();
    }, timeoutMs);
    const end = (code: number | undefined, ending: string) => {
      clearTimeout(timer);
      resolve({ code, ...kept, ending });
    };
    child.once('error', (error) => end(undefined, `could not be started: ${error.message}`));
    child.once('close', (code, signal) => {
      if (expired) end(undefined, `did not end within ${timeoutMs / 1000} s`);
      else if (signal) end(undefined, `was killed by ${signal}`);
      else end(code ?? undefined, `ended with status ${code}`);
    });
  });
}
