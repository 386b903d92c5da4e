import { type ChildProcessByStdio, type SpawnOptions, spawn } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { Readable, Writable } from 'node:stream';
import { fileURLToPath } from 'node:url';

const dist = join(dirname(dirname(fileURLToPath(import.meta.url))), 'dist');

/** Writes each step of its life into the file `$STAND_IN_LOG`; slow or failing when the test asks for it. */
const EXECUTOR = `
import { appendFileSync } from 'node:fs';
const log = (line) => appendFileSync(process.env.STAND_IN_LOG, line + '\\n');
const device = { name: 'Stand-in GPU', memoryBytes: 2 ** 31, backend: 'software' };
const executor = (url) => ({ url, device, stop: () => stop(url) });
const stop = async (url) => {
  log('stop ' + url);
  if (process.env.STAND_IN_STOP === 'fails') throw Object.assign(new Error('stuck'), { code: 'ERR_VGPU_STUCK' });
  if (process.env.STAND_IN_STOP === 'hangs') await new Promise((resolve) => setTimeout(resolve, 20_000));
};
export const Executor = {
  async start({ gpu, signal, check, profilePath, log: write }) {
    log('start ' + gpu + (check ? ' check ' + check.checks + ' limit ' + check.limit : '') + (profilePath ? ' profile' : ''));
    const events = check?.reportPath ?? profilePath;
    if (events) appendFileSync(events, process.env.STAND_IN_EVENTS ?? '');
    for (const line of process.env.STAND_IN_LINES?.split('|') ?? []) write(line);
    if (process.env.STAND_IN_FAILS) {
      throw Object.assign(new Error('no GPU answers'), {
        code: 'ERR_VGPU_NO_GPU', cause: new Error('libcuda.so.1 is missing'), remedy: 'use --gpu software',
      });
    }
    if (process.env.STAND_IN_SLOW) {
      await new Promise((resolve, reject) => {
        const timer = setTimeout(resolve, 20_000);
        signal.addEventListener('abort', () => { clearTimeout(timer); log('aborted'); reject(signal.reason); });
      });
    }
    return executor('unix:/stand-in/own.sock');
  },
  async connect(url) { log('connect ' + url); return executor(url); },
};
`;

/** A library that does nothing, under the names that the real one uses. */
const guestSource = (library: string, directory: string) =>
  `export const guestLibrary = () => (${JSON.stringify({ library, directory })});\n`;

interface Result {
  code: number | null;
  signal: NodeJS.Signals | null;
  stdout: Buffer;
  stderr: string;
}

export type Running = ChildProcessByStdio<Writable, Readable, Readable>;

/** The built CLI beside packages that stand in for the executor and the guest library. */
export class Installation {
  readonly folder = mkdtempSync(join(tmpdir(), 'vgpu-cli-'));
  readonly log = join(this.folder, 'log');
  readonly cli = join(this.folder, 'dist', 'vgpu.js');
  readonly library = join(this.folder, 'guest', 'libvgpu_cuda.so');

  constructor({ library = this.library }: { library?: string } = {}) {
    cpSync(dist, join(this.folder, 'dist'), { recursive: true });
    this.#package('executor', EXECUTOR);
    this.#package('preload-shim', guestSource(library, dirname(library)));
  }

  #package(name: string, source: string): void {
    const folder = join(this.folder, 'node_modules', '@vgpu', name);
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, 'package.json'), '{ "type": "module", "exports": "./index.js" }');
    writeFileSync(join(folder, 'index.js'), source);
  }

  start(args: readonly string[], options: SpawnOptions = {}): Running {
    // The loader complains about a preloaded file that is missing, on the stderr that tests compare.
    const env = { ...process.env, STAND_IN_LOG: this.log, ...options.env };
    return spawn(process.execPath, [this.cli, ...args], {
      ...options,
      env,
      stdio: ['pipe', 'pipe', 'pipe'],
    });
  }

  async run(args: readonly string[], options: SpawnOptions & { input?: Buffer } = {}): Promise<Result> {
    const child = this.start(args, options);
    child.stdin.end(options.input ?? '');
    return finished(child);
  }

  /** What happened to the executor since the last call. */
  takeLog(): string[] {
    if (!existsSync(this.log)) return [];
    const lines = readFileSync(this.log, 'utf8').trimEnd().split('\n');
    rmSync(this.log);
    return lines;
  }

  /** An executable file in the installation's folder. */
  write(name: string, content: string | Buffer, mode = 0o755): string {
    const path = join(this.folder, name);
    writeFileSync(path, content, { mode });
    return path;
  }

  remove(): void {
    rmSync(this.folder, { recursive: true });
  }
}

export async function finished(child: Running): Promise<Result> {
  const stdout: Buffer[] = [];
  const stderr: Buffer[] = [];
  child.stdout.on('data', (chunk: Buffer) => stdout.push(chunk));
  child.stderr.on('data', (chunk: Buffer) => stderr.push(chunk));
  const [code, signal] = await new Promise<[number | null, NodeJS.Signals | null]>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (...ending) => resolve(ending));
  });
  return { code, signal, stdout: Buffer.concat(stdout), stderr: withoutLoader(Buffer.concat(stderr)) };
}

/** Resolves when the program has written `text`. */
export function printed(child: Running, text: string): Promise<void> {
  return new Promise((resolve, reject) => {
    let seen = '';
    child.stdout.on('data', (chunk: Buffer) => {
      seen += chunk;
      if (seen.includes(text)) resolve();
    });
    child.once('close', () => reject(new Error(`ended without printing ${text}: ${seen}`)));
  });
}

/** The loader says that the stand-in for the library is not there; nothing else is left out. */
function withoutLoader(stderr: Buffer): string {
  return stderr
    .toString()
    .split('\n')
    .filter((line) => !(line.startsWith('ERROR: ld.so: object') && line.includes('libvgpu_cuda.so')))
    .join('\n');
}
