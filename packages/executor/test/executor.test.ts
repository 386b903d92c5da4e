import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, existsSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Executor, type ExecutorError, isExecutorError, type StartOptions } from '../src/index.js';
import { childrenOf, isAlive, until } from './daemon-process.js';
import { RawClient } from './raw-client.js';

const MEMORY = 64 * 2 ** 20;

let folder: string;
const started: Executor[] = [];
const previousRuntimeFolder = process.env.XDG_RUNTIME_DIR;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'vgpu-test-'));
  process.env.XDG_RUNTIME_DIR = folder;
});

afterEach(async () => {
  await Promise.all(started.splice(0).map((executor) => executor.stop()));
  // Whatever a test started has left nothing over.
  expect(readdirSync(folder).filter((name) => name.startsWith('vgpu-'))).toEqual([]);
  rmSync(folder, { recursive: true, force: true });
  delete process.env.VGPU_EXECUTOR_BINARY;
  if (previousRuntimeFolder === undefined) delete process.env.XDG_RUNTIME_DIR;
  else process.env.XDG_RUNTIME_DIR = previousRuntimeFolder;
});

const start = async (options: StartOptions = {}): Promise<Executor> => {
  const executor = await Executor.start({ gpu: 'software', memoryBytes: MEMORY, ...options });
  started.push(executor);
  return executor;
};

const pathOf = (url: string): string => url.replace(/^unix:/, '');

const pidOf = (executor: Executor): number => {
  if (executor.pid === undefined) throw new Error('no daemon runs');
  return executor.pid;
};

const failure = async (work: Promise<unknown>): Promise<ExecutorError> => {
  try {
    await work;
  } catch (error) {
    if (isExecutorError(error)) return error;
    throw error;
  }
  throw new Error('it did not fail');
};

/** A program that stands in for the daemon. */
const fakeBinary = (script: string): string => {
  const path = join(folder, 'fake');
  writeFileSync(path, `#!/bin/sh\n${script}\n`);
  chmodSync(path, 0o755);
  process.env.VGPU_EXECUTOR_BINARY = path;
  return path;
};

describe('start', () => {
  it('resolves with an executor that answers', async () => {
    const executor = await start();
    expect(executor.url).toMatch(/^unix:\//);
    expect(executor.device).toEqual({
      name: expect.stringMatching(/^vgpu software GPU/),
      memoryBytes: MEMORY,
      backend: 'software',
    });
    const client = await RawClient.open(pathOf(executor.url));
    expect((await client.call('cuCtxSynchronize')).status).toBe(0);
    client.close();
  });

  it('puts the socket where only this user can reach it', async () => {
    const executor = await start();
    const directory = dirname(pathOf(executor.url));
    expect(dirname(directory)).toBe(folder);
    expect(statSync(directory).mode & 0o777).toBe(0o700);
  });

  it('uses a socket path that it is given, and leaves the folder alone', async () => {
    const socketPath = join(folder, 'mine.sock');
    const executor = await start({ socketPath });
    expect(executor.url).toBe(`unix:${socketPath}`);
    await executor.stop();
    expect(existsSync(socketPath)).toBe(false);
    expect(existsSync(folder)).toBe(true);
  });

  it('goes elsewhere when the runtime folder has too long a path', async () => {
    process.env.XDG_RUNTIME_DIR = mkdtempSync(join(folder, 'x'.repeat(90)));
    const executor = await start();
    expect(executor.url.startsWith(`unix:${folder}`)).toBe(false);
  });

  it('hands over the log', async () => {
    const lines: string[] = [];
    const executor = await start({ log: (line) => lines.push(line) });
    await executor.stop();
    expect(lines.some((line) => /^\S+Z info \[\d+\] listening at /.test(line))).toBe(true);
    expect(lines.some((line) => line.includes('stopping: signal Terminated'))).toBe(true);
  });

  it('is as short as possible', async () => {
    const times: number[] = [];
    for (let i = 0; i < 5; i += 1) {
      const begin = performance.now();
      await start();
      times.push(performance.now() - begin);
    }
    // About 6 ms on an idle machine; the limit only tells a wait from work on a busy one.
    expect(Math.min(...times)).toBeLessThan(500);
  });

  it.each([
    ['memoryBytes', { memoryBytes: 1.5 }],
    ['memoryBytes', { memoryBytes: 1000 }],
    ['threads', { threads: 0 }],
    ['kernelTimeoutSeconds', { kernelTimeoutSeconds: -1 }],
    ['gpu', { gpu: 'cloud' as 'auto' }],
    ['mine', { socketPath: 'mine' }],
    ['too long', { socketPath: `/${'x'.repeat(120)}` }],
  ])('refuses an option that makes no sense (%s)', async (name, options) => {
    const error = await failure(start(options));
    expect(error.code).toBe('ERR_VGPU_EXECUTOR_OPTIONS');
    expect(error.message).toContain(name);
  });

  it('says why the real backend cannot be had', async () => {
    const error = await failure(start({ gpu: 'real', driverPath: '/no/libcuda.so.1' }));
    expect(error.code).toBe('ERR_VGPU_BACKEND_UNAVAILABLE');
    expect(error.message).toContain('/no/libcuda.so.1');
    expect(error.remedy).toContain('software');
  });

  it('takes the software GPU for auto, and says so in the log', async () => {
    const lines: string[] = [];
    const executor = await start({ gpu: 'auto', log: (line) => lines.push(line) });
    expect(executor.device.backend).toBe('software');
    await executor.stop();
    expect(lines.some((line) => line.includes('using the software backend'))).toBe(true);
  });

  it('names the program that is missing', async () => {
    process.env.VGPU_EXECUTOR_BINARY = join(folder, 'nothing');
    const error = await failure(start());
    expect(error.code).toBe('ERR_VGPU_EXECUTOR_MISSING');
    expect(error.message).toContain(join(folder, 'nothing'));
    expect(error.remedy).toContain('VGPU_EXECUTOR_BINARY');
  });

  it('says why the daemon ended', async () => {
    fakeBinary('echo "2026 error [1] ERR_VGPU_EXECUTOR_FAILED: no luck" >&2; exit 1');
    const error = await failure(start());
    expect(error.code).toBe('ERR_VGPU_EXECUTOR_START');
    expect(error.message).toBe('the executor ended with status 1: no luck');
  });

  it('says that the program cannot be run', async () => {
    const path = fakeBinary('');
    writeFileSync(path, '#!/nowhere/interpreter\n');
    const error = await failure(start());
    expect(error.code).toBe('ERR_VGPU_EXECUTOR_START');
    expect(error.message).toContain(path);
    expect(error.cause).toBeInstanceOf(Error);
  });

  it('does not wait for ever', async () => {
    fakeBinary('exec sleep 60');
    const error = await failure(start({ startTimeoutMs: 200 }));
    expect(error.code).toBe('ERR_VGPU_EXECUTOR_TIMEOUT');
  });

  it('does not wait for what the daemon leaves behind', async () => {
    fakeBinary('sleep 5 & exit 1');
    const begin = performance.now();
    expect((await failure(start())).code).toBe('ERR_VGPU_EXECUTOR_START');
    expect(performance.now() - begin).toBeLessThan(3_000);
  });

  it('can be aborted before and during', async () => {
    const reason = new Error('changed my mind');
    await expect(start({ signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
    fakeBinary('exec sleep 60');
    const controller = new AbortController();
    const work = start({ signal: controller.signal });
    setTimeout(() => controller.abort(reason), 50);
    await expect(work).rejects.toBe(reason);
  });
});

describe('stop', () => {
  it('ends daemon and workers, removes the socket, and may be called again', async () => {
    const executor = await start();
    const pid = pidOf(executor);
    const client = await RawClient.open(pathOf(executor.url));
    // The one that answered the supervisor's own question may still be ending.
    await until(() => childrenOf(pid).length === 1, 'only the client has a worker');
    const workers = childrenOf(pid);
    await Promise.all([executor.stop(), executor.stop()]);
    await executor.stop();
    await client.ended();
    expect(isAlive(pid)).toBe(false);
    // A worker's connection closes a moment before the process is gone.
    await until(() => !workers.some(isAlive), 'the worker ends');
    expect(existsSync(dirname(pathOf(executor.url)))).toBe(false);
    expect(executor.pid).toBeUndefined();
  });

  it('comes with the end of a block', async () => {
    let pid = 0;
    {
      await using executor = await Executor.start({ gpu: 'software', memoryBytes: MEMORY });
      pid = pidOf(executor);
    }
    expect(isAlive(pid)).toBe(false);
  });

  it('kills a daemon that does not listen', async () => {
    const executor = await start();
    const pid = pidOf(executor);
    process.kill(pid, 'SIGSTOP');
    await executor.stop();
    expect(isAlive(pid)).toBe(false);
  });
});

describe('a daemon that dies', () => {
  it('is started again at the same address', async () => {
    const executor = await start({ restart: { initialDelayMs: 10 } });
    const first = pidOf(executor);
    const died = once(executor, 'died');
    const restarted = once(executor, 'restarted');
    process.kill(first, 'SIGKILL');
    expect(await died).toEqual([{ code: null, signal: 'SIGKILL' }]);
    await restarted;
    expect(pidOf(executor)).not.toBe(first);
    const client = await RawClient.open(pathOf(executor.url));
    expect((await client.call('cuCtxSynchronize')).status).toBe(0);
    client.close();
  });

  it('again and again is given up', async () => {
    const executor = await start({ restart: { maximum: 2, initialDelayMs: 10 } });
    const failed = once(executor, 'failed');
    for (let i = 0; i < 2; i += 1) {
      const restarted = once(executor, 'restarted');
      process.kill(pidOf(executor), 'SIGKILL');
      await restarted;
    }
    process.kill(pidOf(executor), 'SIGKILL');
    const [error] = (await failed) as [ExecutorError];
    expect(error.code).toBe('ERR_VGPU_EXECUTOR_CRASHING');
    expect(error.message).toBe('the executor died more than 2 times within 60 s and is not started again');
    expect(executor.pid).toBeUndefined();
    expect(existsSync(dirname(pathOf(executor.url)))).toBe(false);
  });

  it('stays dead where that is wanted', async () => {
    const executor = await start({ restart: false });
    const failed = once(executor, 'failed');
    process.kill(pidOf(executor), 'SIGKILL');
    expect(((await failed) as [ExecutorError])[0].code).toBe('ERR_VGPU_EXECUTOR_CRASHING');
  });

  it('is not started again after stop()', async () => {
    const executor = await start({ restart: { initialDelayMs: 50 } });
    const died = once(executor, 'died');
    process.kill(pidOf(executor), 'SIGKILL');
    await died;
    await executor.stop();
    await sleep(150);
    expect(executor.pid).toBeUndefined();
  });
});

describe('the process that started it', () => {
  const script = (after: string) => `
    import { Executor } from ${JSON.stringify(new URL('../dist/index.js', import.meta.url).href)};
    const executor = await Executor.start({ gpu: 'software', memoryBytes: ${MEMORY} });
    console.log(JSON.stringify({ pid: executor.pid, url: executor.url }));
    ${after}
  `;
  const run = async (after: string) => {
    const child = spawn(process.execPath, ['--input-type=module', '--eval', script(after)], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const exited = once(child, 'exit');
    const [bytes] = (await once(child.stdout, 'data')) as [Buffer];
    const { pid, url } = JSON.parse(bytes.toString()) as { pid: number; url: string };
    return { child, exited, pid, directory: dirname(pathOf(url)) };
  };

  it('leaves nothing over when it is killed', async () => {
    const { child, exited, pid, directory } = await run('setInterval(() => {}, 1000);');
    expect(existsSync(directory)).toBe(true);
    child.kill('SIGKILL');
    await exited;
    await until(() => !isAlive(pid), 'the daemon ends');
    expect(existsSync(directory)).toBe(false);
  });

  it('may end without stopping it', async () => {
    const { exited, pid, directory } = await run('');
    expect(await exited).toEqual([0, null]);
    await until(() => !isAlive(pid), 'the daemon ends');
    expect(existsSync(directory)).toBe(false);
  });
});

describe('connect', () => {
  let server: Server | undefined;
  afterEach(() => {
    server?.close();
    server = undefined;
  });
  /** Something else that listens, and answers every connection with these bytes. */
  const listen = async (answer: Uint8Array | undefined): Promise<string> => {
    const path = join(folder, 'other');
    server = createServer((socket) => {
      socket.on('error', () => {});
      if (answer) socket.end(answer);
    }).listen(path);
    await once(server, 'listening');
    return `unix:${path}`;
  };

  it('tells what a running executor serves, and leaves it running', async () => {
    const executor = await start();
    const found = await Executor.connect(executor.url);
    expect(found.url).toBe(executor.url);
    expect(found.device).toEqual(executor.device);
    await found.stop();
    expect(isAlive(pidOf(executor))).toBe(true);
  });

  it('says that nobody is there', async () => {
    const error = await failure(Executor.connect(`unix:${folder}/nobody`));
    expect(error.code).toBe('ERR_VGPU_EXECUTOR_UNREACHABLE');
    expect(error.message).toContain(`${folder}/nobody`);
    expect(error.cause).toMatchObject({ code: 'ENOENT' });
  });

  it.each(['tcp://host:1', 'unix:relative', 'unix:', '/just/a/path', `unix:/${'x'.repeat(120)}`])(
    'refuses the address %s',
    async (url) => {
      expect((await failure(Executor.connect(url))).code).toBe('ERR_VGPU_EXECUTOR_OPTIONS');
    },
  );

  it('says that something else is there', async () => {
    const url = await listen(Buffer.alloc(2000, 'HTTP/1.1 '));
    expect((await failure(Executor.connect(url))).code).toBe('ERR_VGPU_EXECUTOR_PROTOCOL');
  });

  it('says that it hung up', async () => {
    const url = await listen(Buffer.alloc(10));
    const error = await failure(Executor.connect(url));
    expect(error.code).toBe('ERR_VGPU_EXECUTOR_PROTOCOL');
    expect(error.message).toContain('after 10 bytes');
  });

  it('says that the version differs', async () => {
    const executor = await start();
    const client = await RawClient.connect(pathOf(executor.url));
    const { encodeHello, welcomeBytes } = await import('@vgpu/protocol/handshake');
    client.socket.write(encodeHello(1, 'test'));
    const welcome = Buffer.from(await client.read(welcomeBytes));
    client.close();
    welcome.writeUInt8(welcome.readUInt8(8) ^ 1, 8);
    const error = await failure(Executor.connect(await listen(welcome)));
    expect(error.code).toBe('ERR_VGPU_EXECUTOR_PROTOCOL');
    expect(error.message).toContain('another version');
    expect(error.remedy).toBeDefined();
  });

  it('does not wait for ever', async () => {
    const url = await listen(undefined);
    const begin = performance.now();
    expect((await failure(Executor.connect(url))).code).toBe('ERR_VGPU_EXECUTOR_TIMEOUT');
    expect(performance.now() - begin).toBeLessThan(8_000);
  });
});
