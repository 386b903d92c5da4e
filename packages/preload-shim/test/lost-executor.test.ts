// Programs whose worker dies or stops, and workers whose program does; by unix socket and across a network that breaks.
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Executor, executorStatus } from '@vgpu/executor';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { Builder } from './build-programs.js';
import { guestEnvironment } from './guest-environment.js';

/** The executor's program itself, to be started in another network. */
const DAEMON = join(
  dirname(createRequire(import.meta.url).resolve('@vgpu/executor')),
  '../build/native/bin/vgpu-executor',
);

const RPC_FAILURE = 806;
const SILENCE_MS = 1_500;
const TEST_TIMEOUT_MS = 120_000;
/** What a busy machine may add to what is to come at once. */
const AT_ONCE_MS = 1_000;

type Mode = 'calls' | 'waits' | 'idle';

const folder = mkdtempSync(join(tmpdir(), 'vgpu-lost-'));
const builder = new Builder();
const log: string[] = [];
let executor: Executor;
let path: string;
const started: ChildProcess[] = [];

/** A program that has said that it is ready, and its worker. */
class Program {
  readonly #process: ChildProcess;
  readonly #end: Promise<unknown>;
  #output = '';

  private constructor(process: ChildProcess) {
    this.#process = process;
    started.push(process);
    this.#end = once(process, 'close');
    process.stdout?.on('data', (bytes) => {
      this.#output += String(bytes);
    });
  }

  static async start(mode: Mode, environment = guestEnvironment(executor.url), within: string[] = []) {
    const [command = path, ...args] = [...within, path, mode];
    const env = { ...environment, VGPU_SILENCE_TIMEOUT_MS: String(SILENCE_MS) };
    const program = new Program(spawn(command, args, { env, stdio: ['pipe', 'pipe', 'inherit'] }));
    await expect.poll(() => program.#output, { timeout: 20_000 }).toContain('ready');
    return program;
  }

  get processId(): number {
    return this.#process.pid ?? 0;
  }

  async worker(): Promise<number> {
    const { clients } = await executorStatus(executor.url);
    const client = clients.find(({ processId }) => processId === this.processId);
    if (!client) throw new Error('the executor does not know the program');
    return client.workerProcessId;
  }

  signal(name: NodeJS.Signals): void {
    this.#process.kill(name);
  }

  goOn(): void {
    this.#process.stdin?.write('\n');
  }

  async output(): Promise<string> {
    await this.#end;
    return this.#output;
  }

  /** Its last line, taken apart. */
  async result(): Promise<{ status: number; milliseconds: number }> {
    await this.#end;
    const [, status, milliseconds] = this.#output.match(/status (\d+) after (\d+) ms\n$/) ?? [];
    if (status === undefined || milliseconds === undefined) throw new Error(`it printed: ${this.#output}`);
    return { status: Number(status), milliseconds: Number(milliseconds) };
  }
}

const clientCount = async (url = executor.url): Promise<number> => (await executorStatus(url)).clients.length;

beforeAll(async () => {
  path = await builder.build('last_call.c');
  executor = await Executor.start({
    gpu: 'software',
    memoryBytes: 256 * 2 ** 20,
    kernelTimeoutSeconds: 60,
    log: (line) => log.push(line),
  });
}, TEST_TIMEOUT_MS);
afterEach(async () => {
  for (const process of started.splice(0)) process.kill('SIGKILL');
  await expect.poll(() => clientCount(), { timeout: 5_000 }).toBe(0);
});
afterAll(async () => {
  await executor.stop();
  rmSync(folder, { recursive: true });
});

const TRANSPORTS = { 'shared memory': '1', 'the socket': '0' };
const MODES: Mode[] = ['calls', 'waits', 'idle'];

describe.each(Object.entries(TRANSPORTS))('through %s', { timeout: TEST_TIMEOUT_MS }, (_name, shared) => {
  const start = (mode: Mode) =>
    Program.start(mode, guestEnvironment(executor.url, { VGPU_SHARED_MEMORY: shared }));

  it.each(MODES)('a worker is killed: %s', async (mode) => {
    const [program, other] = [await start(mode), await start('idle')];
    process.kill(await program.worker(), 'SIGKILL');
    if (mode === 'idle') program.goOn();
    const { status, milliseconds } = await program.result();
    expect(status).toBe(RPC_FAILURE);
    if (mode !== 'waits') expect(milliseconds).toBeLessThan(AT_ONCE_MS);
    await expect.poll(() => clientCount(), { timeout: 5_000 }).toBe(1);
    process.kill(await other.worker(), 0);
  });

  it.each(['driver', 'runtime'])(
    'a worker is killed, and the program resets the device through the %s: it gets a new worker',
    async (api) => {
      const environment = guestEnvironment(executor.url, {
        VGPU_SHARED_MEMORY: shared,
        LAST_CALL_RESET: api,
      });
      const program = await Program.start('idle', environment);
      process.kill(await program.worker(), 'SIGKILL');
      program.goOn();
      expect(await program.output()).toMatch(/status 806 after \d+ ms\nworks again\n$/);
    },
  );

  it.each(MODES)('a worker is stopped: %s', async (mode) => {
    const program = await start(mode);
    const worker = await program.worker();
    process.kill(worker, 'SIGSTOP');
    if (mode === 'idle') program.goOn();
    const stoppedAt = performance.now();
    const { status } = await program.result();
    expect(status).toBe(RPC_FAILURE);
    expect(performance.now() - stoppedAt).toBeGreaterThan(SILENCE_MS - 700);
    expect(performance.now() - stoppedAt).toBeLessThan(SILENCE_MS + AT_ONCE_MS);
    process.kill(worker, 'SIGCONT');
    await expect.poll(() => clientCount(), { timeout: 2_000 }).toBe(0);
  });

  it('a program is stopped for a while, and goes on', async () => {
    const program = await start('calls');
    program.signal('SIGSTOP');
    await sleep(2 * SILENCE_MS);
    expect(await clientCount()).toBe(1);
    program.signal('SIGCONT');
    await sleep(200);
    const worker = await program.worker();
    process.kill(worker, 'SIGKILL');
    expect((await program.result()).status).toBe(RPC_FAILURE);
  });

  it.each(MODES)('a program is killed: %s; its memory is free within a second', async (mode) => {
    const program = await start(mode);
    program.signal('SIGKILL');
    const begin = performance.now();
    await expect.poll(() => clientCount(), { timeout: 5_000, interval: 10 }).toBe(0);
    expect(performance.now() - begin).toBeLessThan(1_000 + AT_ONCE_MS);
    expect((await executorStatus(executor.url)).memoryInUseBytes).toBe(0);
  });
});

/** A network of its own, which can be cut: of what is under way not even an end of connection arrives any more. */
class Network {
  readonly #holder: ChildProcess;
  readonly #inside: string[];

  private constructor(holder: ChildProcess) {
    this.#holder = holder;
    this.#inside = ['nsenter', '--target', String(holder.pid), '--user', '--preserve-credentials', '--net'];
  }

  /** Or why there is none. */
  static async make(): Promise<Network | string> {
    const holder = spawn(
      'unshare',
      ['--user', '--map-root-user', '--net', 'sh', '-c', 'echo made && exec cat'],
      {
        stdio: ['pipe', 'pipe', 'pipe'],
      },
    );
    const problem = await Promise.race([
      once(holder.stdout, 'data').then(() => undefined),
      once(holder.stderr, 'data').then(([text]) => String(text)),
      once(holder, 'error').then(([error]) => String(error)),
    ]);
    if (problem !== undefined) return problem;
    const network = new Network(holder);
    return network.#set('up') ?? network;
  }

  run(...command: string[]): string[] {
    return [...this.#inside, ...command];
  }

  cut(): void {
    const problem = this.#set('down');
    if (problem !== undefined) throw new Error(problem);
  }

  #set(state: 'up' | 'down'): string | undefined {
    const [command = '', ...args] = this.run('ip', 'link', 'set', 'lo', state);
    const { status, stderr, error } = spawnSync(command, args, { encoding: 'utf8' });
    return status === 0 ? undefined : (error?.message ?? stderr);
  }

  remove(): void {
    this.#holder.kill('SIGKILL');
  }
}

describe('across a network that breaks', { timeout: TEST_TIMEOUT_MS }, () => {
  const URL = 'tcp:127.0.0.1:4000';
  /** docs/executor.md */
  const GONE_MS = 30_000;

  it('program and worker notice it in the time that is documented', async ({ skip }) => {
    const network = await Network.make();
    if (typeof network === 'string') {
      process.stderr.write(`a network that breaks is not tested: ${network}\n`);
      return skip(network);
    }
    const local = `unix:${join(folder, 'status.sock')}`;
    const [command = '', ...args] = network.run(
      ...[DAEMON, '--backend', 'software', '--memory', '256M', '--kernel-timeout', '100'],
      ...['--listen', local, '--listen', URL],
    );
    const daemon = spawn(command, args, { stdio: ['ignore', 'ignore', 'pipe'] });
    try {
      await expect.poll(() => clientCount(local).catch(() => -1), { timeout: 20_000 }).toBe(0);
      const programs = await Promise.all(
        MODES.map((mode) => Program.start(mode, guestEnvironment(URL), network.run())),
      );
      expect(await clientCount(local)).toBe(MODES.length);
      network.cut();
      const cutAt = performance.now();
      programs.at(-1)?.goOn();
      for (const program of programs) expect((await program.result()).status).toBe(RPC_FAILURE);
      expect(performance.now() - cutAt).toBeLessThan(SILENCE_MS + AT_ONCE_MS);
      await expect.poll(() => clientCount(local), { timeout: 2 * GONE_MS, interval: 250 }).toBe(0);
      expect(performance.now() - cutAt).toBeLessThan(GONE_MS + AT_ONCE_MS);
      expect((await executorStatus(local)).memoryInUseBytes).toBe(0);
    } finally {
      daemon.kill('SIGKILL');
      network.remove();
    }
  });
});
