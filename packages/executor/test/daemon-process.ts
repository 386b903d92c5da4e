// The daemon's program itself, without the supervisor, and what Linux says about it.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { findBinary } from '../src/binary.js';
import { LineSplitter } from '../src/lines.js';
import { RawClient } from './raw-client.js';

export class DaemonProcess {
  readonly folder = mkdtempSync(join(tmpdir(), 'vgpu-test-'));
  readonly socketPath = join(this.folder, 's');
  readonly process: ChildProcess;
  readonly lines: string[] = [];
  readonly #alsoRemove: string[] = [];
  readonly #clients: RawClient[] = [];
  readonly #exit: Promise<{ code: number | null; signal: NodeJS.Signals | null }>;

  private constructor(args: readonly string[]) {
    this.process = spawn(
      findBinary(),
      [
        '--listen',
        `unix:${this.socketPath}`,
        '--backend',
        'software',
        '--memory',
        '64M',
        '--ready-fd',
        '3',
        ...args,
      ],
      { stdio: ['ignore', 'ignore', 'pipe', 'pipe'] },
    );
    const lines = new LineSplitter((line) => this.lines.push(line));
    this.process.stderr?.on('data', (bytes: Buffer) => lines.push(bytes));
    this.#exit = once(this.process, 'close').then(([code, signal]) => ({ code, signal }));
  }

  static async start(...args: string[]): Promise<DaemonProcess> {
    const daemon = new DaemonProcess(args);
    const ready = daemon.process.stdio[3];
    if (!ready) throw new Error('no ready pipe');
    const first = await Promise.race([once(ready, 'data'), daemon.#exit]);
    if (Array.isArray(first)) return daemon;
    rmSync(daemon.folder, { recursive: true, force: true });
    throw new Error(`the daemon ended: ${daemon.lines.join('\n')}`);
  }

  /** A client that has been welcomed. The daemon's end is its end too. */
  async open(program?: string): Promise<RawClient> {
    const client = await RawClient.open(this.socketPath, program);
    this.#clients.push(client);
    return client;
  }

  /** A connection that has said nothing yet. */
  async connect(): Promise<RawClient> {
    const client = await RawClient.connect(this.socketPath);
    this.#clients.push(client);
    return client;
  }

  get url(): string {
    return `unix:${this.socketPath}`;
  }

  get pid(): number {
    if (this.process.pid === undefined) throw new Error('the daemon did not start');
    return this.process.pid;
  }

  removeLater(file: string): void {
    this.#alsoRemove.push(file);
  }

  /** Process ids of the workers. */
  workers(): number[] {
    return childrenOf(this.pid);
  }

  openDescriptors(): number {
    return readdirSync(`/proc/${this.pid}/fd`).length;
  }

  logged(pattern: RegExp): boolean {
    return this.lines.some((line) => pattern.test(line));
  }

  async stop(
    signal: NodeJS.Signals = 'SIGTERM',
  ): Promise<{ code: number | null; signal: NodeJS.Signals | null }> {
    this.process.kill(signal);
    return this.ending();
  }

  /** How it ended; waits for that. */
  async ending(): Promise<{ code: number | null; signal: NodeJS.Signals | null }> {
    const exit = await this.#exit;
    for (const client of this.#clients.splice(0)) client.close();
    for (const file of this.#alsoRemove) rmSync(file, { force: true });
    rmSync(this.folder, { recursive: true, force: true });
    return exit;
  }
}

export function childrenOf(pid: number): number[] {
  const text = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim();
  return text === '' ? [] : text.split(' ').map(Number);
}

/** False for one that has ended but that nobody has waited for yet. */
export function isAlive(pid: number): boolean {
  if (!existsSync(`/proc/${pid}/stat`)) return false;
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return !/\) [ZX]/.test(stat);
  } catch {
    return false;
  }
}

/** Waits until it holds; fails loudly after some seconds. */
export async function until(condition: () => boolean, what: string): Promise<void> {
  const deadline = performance.now() + 10_000;
  while (!condition()) {
    if (performance.now() > deadline) throw new Error(`still waiting: ${what}`);
    await sleep(5);
  }
}
