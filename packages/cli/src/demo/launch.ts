import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { DemoError } from './errors.js';
import type { Program } from './program.js';
import { type ProgramResult, readResult } from './result.js';

const ENDING = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

interface LaunchRequest {
  /** vgpu's own entry point: the program runs through `vgpu run`, exactly as the user's would. */
  cli: string;
  program: Program;
  zipCodes: string;
  clusterCount: number;
  roundLimit: number;
  gpu: string | undefined;
  /** Hears every line that the program prints, while it runs. */
  onLine: (line: string) => void;
}

/** Runs the example through `vgpu run` and reads back what it found. */
export async function launch(request: LaunchRequest): Promise<ProgramResult> {
  const folder = mkdtempSync(join(tmpdir(), 'vgpu-demo-'));
  const interruption = new Interruption();
  try {
    const resultFile = join(folder, 'result.json');
    const guestLog = join(folder, 'guest.log');
    const child = spawn(process.execPath, vgpuArguments(request, resultFile), {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, VGPU_LOG: process.env.VGPU_LOG ?? guestLog },
    });
    interruption.passTo(child);
    const failure = await outcome(child, request.onLine);
    if (failure) {
      const log = existsSync(guestLog) ? readFileSync(guestLog, 'utf8').trim().split('\n').slice(-5) : [];
      throw new DemoError('ERR_VGPU_DEMO_FAILED', ['the program failed', failure, ...log].join('\n  '));
    }
    return readResult(resultFile);
  } finally {
    rmSync(folder, { recursive: true, force: true });
    interruption.end();
  }
}

/** Hands signals that ask to end to the child; when it has ended and all is tidy, they end this process too. */
class Interruption {
  #signal: NodeJS.Signals | undefined;
  #child: ChildProcess | undefined;

  constructor() {
    for (const signal of ENDING) process.on(signal, this.#receive);
  }

  passTo(child: ChildProcess): void {
    this.#child = child;
  }

  end(): void {
    for (const signal of ENDING) process.removeListener(signal, this.#receive);
    if (this.#signal) process.kill(process.pid, this.#signal);
  }

  readonly #receive = (signal: NodeJS.Signals): void => {
    this.#signal ??= signal;
    this.#child?.kill(signal);
  };
}

function vgpuArguments(request: LaunchRequest, resultFile: string): string[] {
  const { cli, program, zipCodes, clusterCount, roundLimit, gpu } = request;
  const choice = gpu === undefined ? [] : ['--gpu', gpu];
  const data = [zipCodes, resultFile, String(clusterCount), String(roundLimit)];
  return [cli, 'run', '--quiet', ...choice, '--', ...program.command, ...data];
}

/** What went wrong, in words, or undefined. */
async function outcome(child: ChildProcess, onLine: (line: string) => void): Promise<string | undefined> {
  let errors = '';
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    errors += text;
  });
  if (child.stdout) createInterface({ input: child.stdout }).on('line', onLine);
  const [code, signal] = await new Promise<[number | null, NodeJS.Signals | null]>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (...ending) => resolve(ending));
  });
  if (code === 0) return undefined;
  const ending = signal ? `ended by ${signal}` : `ended with status ${code}`;
  return [ending, ...errors.trim().split('\n')].filter(Boolean).join('\n  ');
}
