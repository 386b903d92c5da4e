import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { createConnection } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { LogFile } from '../src/executor/log-file.js';
import { isRunning, processStartOf } from '../src/executor/state.js';
import { clientRates } from '../src/ps/ps.js';
import {
  executorLogsSchema,
  executorStartSchema,
  executorStatusSchema,
  executorStopSchema,
  failureSchema,
  psSchema,
} from './schemas.js';
import { ended, Folder, start } from './vgpu.js';

let folder: Folder;
let environment: NodeJS.ProcessEnv;

beforeEach(() => {
  folder = new Folder();
  environment = { ...process.env, XDG_RUNTIME_DIR: folder.path };
  delete environment.VGPU_EXECUTOR;
});
afterEach(async () => {
  await run('executor', 'stop');
  folder.remove();
});

const begin = (...args: string[]) => start(args, { env: environment });
const run = (...args: string[]) => ended(begin(...args));
const startExecutor = (...args: string[]) =>
  json(executorStartSchema, 'executor', 'start', '--gpu', 'software', '--memory', '64MiB', ...args);

async function json<T>(schema: { parse(value: unknown): T }, ...args: string[]) {
  const ending = await run(...args, '--json');
  return { ...ending, document: schema.parse(JSON.parse(ending.stdout)) };
}

describe('vgpu executor', () => {
  it('starts one in the background, says so, and stops it', async () => {
    const started = await startExecutor();
    expect(started.code, started.stderr).toBe(0);
    expect(started.document.device.memoryBytes).toBe(64 * 2 ** 20);
    expect(started.document.url).toBe(`unix:${folder.at('vgpu/executor.sock')}`);
    expect(statSync(folder.at('vgpu')).mode & 0o777).toBe(0o700);

    const running = await json(executorStatusSchema, 'executor', 'status');
    expect(running).toMatchObject({ code: 0, document: { running: true, backend: 'software', clients: 0 } });

    const { document, code } = await json(executorStopSchema, 'executor', 'stop');
    expect({ code, document }).toMatchObject({
      code: 0,
      document: { stopped: { url: started.document.url } },
    });
    expect(processStartOf(started.document.processId)).toBeUndefined();
    expect(existsSync(folder.at('vgpu/executor.sock'))).toBe(false);
    expect(await json(executorStatusSchema, 'executor', 'status')).toMatchObject({
      code: 3,
      document: { running: false },
    });
    expect((await json(executorStopSchema, 'executor', 'stop')).document.stopped).toBeNull();
  });

  it('prints what a shell can evaluate', async () => {
    const { stdout } = await run('executor', 'start', '--gpu', 'software', '--memory', '64MiB');
    expect(stdout).toBe(`export VGPU_EXECUTOR=unix:${folder.at('vgpu/executor.sock')}\n`);
  });

  it('hands its limits to the executor', async () => {
    const limits = ['--client-memory', '16MiB', '--max-clients', '3', '--client-fraction', '0.5'];
    const started = await startExecutor(...limits, '--idle-limit', '100', '--client-lifetime', '1000');
    expect(started.code, started.stderr).toBe(0);
    expect((await json(executorStatusSchema, 'executor', 'status')).document).toMatchObject({
      maximumClients: 3,
      memoryBytes: 64 * 2 ** 20,
      clientMemoryBytes: 16 * 2 ** 20,
    });
    await run('executor', 'stop');
    expect((await run('executor', 'start', '--client-fraction', '2')).stderr).toContain(
      'ERR_VGPU_EXECUTOR_OPTIONS',
    );
  });

  it('refuses a second one, and leaves the first alone', async () => {
    const first = await startExecutor();
    const second = await json(failureSchema, 'executor', 'start', '--gpu', 'software');
    expect(second).toMatchObject({ code: 1, document: { error: { code: 'ERR_VGPU_EXECUTOR_RUNNING' } } });
    expect(processStartOf(first.document.processId)).toBeDefined();
    expect((await json(executorStatusSchema, 'executor', 'status')).code).toBe(0);
  });

  it('takes the place of one that was killed', async () => {
    const first = await startExecutor();
    process.kill(first.document.processId, 'SIGKILL');
    await gone(first.document.processId);
    expect((await json(executorStatusSchema, 'executor', 'status')).code).toBe(3);
    expect((await startExecutor()).code).toBe(0);
  });

  it('reports why it could not start', async () => {
    const { code, document } = await json(failureSchema, 'executor', 'start', '--gpu', 'real');
    expect({ code, error: document.error.code }).toEqual({ code: 1, error: 'ERR_VGPU_BACKEND_UNAVAILABLE' });
  });

  it.each([
    ['--listen', 'foo', '"foo" is neither unix:/path, tcp:host:port, nor vsock:cid:port'],
    ['--threads', '99999999', '--threads needs a whole number from 1 to 4096, not "99999999"'],
  ])('reports what is wrong with %s %s', async (option, value, reason) => {
    const { code, document } = await json(failureSchema, 'executor', 'start', option, value);
    expect(code).toBe(1);
    expect(document.error.message).toContain(reason);
  });

  it('refuses a folder that others can write to', async () => {
    mkdirSync(folder.at('vgpu'));
    chmodSync(folder.at('vgpu'), 0o777);
    const { document } = await json(failureSchema, 'executor', 'start');
    expect(document.error.code).toBe('ERR_VGPU_EXECUTOR_FOLDER');
    chmodSync(folder.at('vgpu'), 0o700);
  });

  it('never signals a process that only has the number of the executor', async () => {
    const bystander = spawn('sleep', ['60']);
    mkdirSync(folder.at('vgpu'), { mode: 0o700 });
    const state = {
      schemaVersion: 1,
      processId: bystander.pid,
      processStart: '1',
      url: 'unix:/x',
      listen: [],
      log: '',
    };
    writeFileSync(folder.at('vgpu/executor.json'), JSON.stringify(state));
    expect((await json(executorStopSchema, 'executor', 'stop')).document.stopped).toBeNull();
    await sleep(100);
    expect(bystander.signalCode).toBeNull();
    bystander.kill();
  });

  it('does not guess from a state file that it cannot read', async () => {
    mkdirSync(folder.at('vgpu'), { mode: 0o700 });
    writeFileSync(folder.at('vgpu/executor.json'), '{');
    const { document } = await json(failureSchema, 'executor', 'status');
    expect(document.error.code).toBe('ERR_VGPU_EXECUTOR_STATE');
    writeFileSync(folder.at('vgpu/executor.json'), '');
    expect((await json(failureSchema, 'executor', 'stop')).document.error.code).toBe(
      'ERR_VGPU_EXECUTOR_STATE',
    );
  });

  it('prints the log, and what comes', async () => {
    expect((await json(failureSchema, 'executor', 'logs')).document.error.code).toBe(
      'ERR_VGPU_FILE_NOT_FOUND',
    );
    const { document } = await startExecutor();
    const { lines } = (await json(executorLogsSchema, 'executor', 'logs')).document;
    expect(lines.length).toBeGreaterThan(0);
    const following = begin('executor', 'logs', '--follow', '--lines', '0');
    await appears(following, () => connectOnce(document.url));
    following.kill('SIGTERM');
    expect((await ended(following)).code).toBe(2);
  });

  it('serves in the foreground until it is told to stop', async () => {
    const serving = begin('executor', 'serve', '--gpu', 'software', '--memory', '64MiB');
    const ending = ended(serving);
    while (!existsSync(folder.at('vgpu/executor.json'))) await sleep(20);
    expect((await json(executorStatusSchema, 'executor', 'status')).code).toBe(0);
    serving.kill('SIGTERM');
    expect((await ending).code).toBe(0);
    expect(existsSync(folder.at('vgpu/executor.json'))).toBe(false);
  });
});

describe('vgpu ps', () => {
  it('lists who is connected', async () => {
    const { document } = await startExecutor();
    expect((await json(psSchema, 'ps', '--interval', '0.01')).document.clients).toEqual([]);
    expect(document.url).toContain('unix:');
  });

  it('says what to do where no executor runs', async () => {
    const { code, document } = await json(failureSchema, 'ps');
    expect({ code, error: document.error.code }).toEqual({ code: 1, error: 'ERR_VGPU_NO_EXECUTOR' });
  });

  it('counts from the first look, or from the start of a client that came since', () => {
    const client = (workerProcessId: number, kernels: number, connectedAt = new Date(0)) => ({
      program: 'p',
      processId: 1,
      workerProcessId,
      connectedAt,
      memoryBytes: 0,
      calls: 2 * kernels,
      kernels,
      busyMilliseconds: 5 * kernels,
    });
    const look = (at: number, ...clients: ReturnType<typeof client>[]) => ({
      at,
      status: {
        processId: 1,
        backend: 'software',
        startedAt: new Date(0),
        maximumClients: 1,
        memoryBytes: 0,
        memoryInUseBytes: 0,
        clientMemoryBytes: 0,
        totals: { clients: 0, calls: 0, kernels: 0 },
        clients,
      },
    });
    const rates = clientRates(
      look(1000, client(7, 100), client(8, 50)),
      look(3000, client(7, 160), client(8, 10, new Date(2000)), client(9, 30)),
    );
    expect(rates.map(({ kernelsPerSecond }) => kernelsPerSecond)).toEqual([30, 5, 15]);
    expect(rates.map(({ callsPerSecond }) => callsPerSecond)).toEqual([60, 10, 30]);
    expect(rates.map(({ busyFraction }) => busyFraction)).toEqual([0.15, 0.025, 0.075]);
  });
});

describe('the log file', () => {
  it('is put aside when it is full', () => {
    const log = new LogFile(folder.at('log'), 20);
    for (const line of ['first line', 'second', 'third line', 'fourth']) log.write(line);
    expect(readFileSync(folder.at('log.1'), 'utf8')).toBe('first line\nsecond\n');
    expect(readFileSync(folder.at('log'), 'utf8')).toBe('third line\nfourth\n');
  });
});

it('knows a process by its start', () => {
  const state = { schemaVersion: 1 as const, processId: process.pid, url: '', listen: [], log: '' };
  expect(isRunning({ ...state, processStart: processStartOf(process.pid) ?? '' })).toBe(true);
  expect(isRunning({ ...state, processStart: '1' })).toBe(false);
});

async function gone(processId: number): Promise<void> {
  while (processStartOf(processId) !== undefined) await sleep(10);
}

async function appears(child: ChildProcessWithoutNullStreams, cause: () => void): Promise<void> {
  const output = new Promise((resolve) => child.stdout.once('data', resolve));
  const again = setInterval(cause, 200);
  await output;
  clearInterval(again);
}

/** Nonsense, which the executor logs. */
function connectOnce(url: string): void {
  const socket = createConnection(url.slice('unix:'.length), () => socket.end('nonsense'));
  socket.on('error', () => {});
}
