// Programs that start with the library loaded: what it does before their first CUDA call, whatever is at the other end.
import { type ChildProcess, execFile, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { Executor } from '@vgpu/executor';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { guestLibrary, shimExplainProgram } from '../src/index.js';

const run = promisify(execFile);
const { library } = guestLibrary();
const loadTime = join(import.meta.dirname, '../build/native/test/load_time');
const folder = mkdtempSync(join(tmpdir(), 'vgpu-start-'));
const loaded = z.object({
  milliseconds: z.number(),
  errnoKept: z.boolean(),
  descriptors: z.number(),
  threads: z.number(),
});

const DEADLINE_MS = 300;
const MARGIN_MS = 50;
/** Of so many attempts one must keep the time: another process may have the processor in any of them. */
const ATTEMPTS = 10;

let sockets = 0;
const socketPath = () => join(folder, `s${sockets++}`);
afterAll(() => rmSync(folder, { recursive: true }));

/** A name counts as it was executed, so that of a link does. */
function named(program: string, name: string): string {
  const path = join(mkdtempSync(join(folder, 'named-')), name);
  symlinkSync(program, path);
  return path;
}

/** Loads the library in a program called `name`. */
async function load(environment: Record<string, string>, name = 'program') {
  const { stdout, stderr } = await run(named(loadTime, name), [library], { env: environment });
  expect(stderr).toBe('');
  return loaded.parse(JSON.parse(stdout));
}

const early = (path: string) => ({
  VGPU_EARLY_INIT: '1',
  VGPU_EXECUTOR: `unix:${path}`,
  VGPU_CONNECT_TIMEOUT_MS: String(DEADLINE_MS),
  VGPU_LOG: join(folder, 'log'),
});

function takeLog(): string {
  const path = join(folder, 'log');
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  } finally {
    rmSync(path, { force: true });
  }
}

/** Somebody at the other end who is no executor. */
class Peer {
  readonly path = socketPath();
  callers = 0;
  readonly #server: Server;
  readonly #open = new Set<Socket>();

  constructor(serve: (socket: Socket) => void) {
    this.#server = createServer((socket) => {
      this.callers++;
      this.#open.add(socket);
      socket.on('error', () => {});
      serve(socket);
    });
  }

  async listen(): Promise<this> {
    this.#server.listen(this.path);
    await once(this.#server, 'listening');
    return this;
  }

  async close(): Promise<void> {
    for (const socket of this.#open) socket.destroy();
    this.#server.close();
    await once(this.#server, 'close');
  }
}

const silent = () => {};

describe('early initialisation ends in time, and leaves nothing behind', { timeout: 60_000 }, () => {
  const peers: [string, (socket: Socket) => void, string][] = [
    ['accepts and says nothing', silent, 'no answer in time'],
    [
      'sends a byte now and then',
      (socket) => {
        const timer = setInterval(() => socket.write('V'), 40);
        socket.on('close', () => clearInterval(timer));
      },
      'no answer in time',
    ],
    ['answers garbage', (socket) => socket.write(Buffer.alloc(1 << 20, 0xa5)), "not vgpu's protocol"],
    ['hangs up', (socket) => socket.destroy(), 'closed the connection'],
    [
      'dies in the middle of its answer',
      (socket) => socket.end(Buffer.from([0x56, 0x47])),
      'closed the connection',
    ],
  ];

  it.each(peers)('a peer that %s', async (_what, serve, cause) => {
    const peer = await new Peer(serve).listen();
    try {
      await keepsTime(early(peer.path));
      expect(peer.callers).toBeGreaterThan(0);
      expect(takeLog()).toContain(cause);
    } finally {
      await peer.close();
    }
  });

  it('nobody is there', async () => {
    await keepsTime(early(socketPath()));
    expect(takeLog()).toContain('there is no such socket');
  });

  it('nobody listens any more', async () => {
    const path = socketPath();
    execFileSync('python3', [
      '-c',
      'import socket,sys; socket.socket(socket.AF_UNIX).bind(sys.argv[1])',
      path,
    ]);
    await keepsTime(early(path));
    expect(takeLog()).toContain('nobody listens there');
  });

  async function keepsTime(environment: Record<string, string>): Promise<void> {
    let best = Number.POSITIVE_INFINITY;
    for (let attempt = 0; attempt < ATTEMPTS && best > DEADLINE_MS + MARGIN_MS; attempt++) {
      const result = await load(environment);
      expect(result).toMatchObject({ errnoKept: true, descriptors: 0, threads: 0 });
      best = Math.min(best, result.milliseconds);
    }
    expect(best).toBeLessThanOrEqual(DEADLINE_MS + MARGIN_MS);
  }

  describe('a real executor', () => {
    let executor: Executor;
    beforeAll(async () => {
      executor = await Executor.start({ gpu: 'software', memoryBytes: 64 * 2 ** 20 });
    });
    afterAll(() => executor.stop());
    afterEach(() => signalExecutor('SIGCONT'));

    const signalExecutor = (signal: NodeJS.Signals) => {
      if (executor.pid === undefined) throw new Error('the executor has ended');
      process.kill(executor.pid, signal);
    };
    const environment = () => ({ ...early(''), VGPU_EXECUTOR: executor.url });

    it('that answers makes the program ready', async () => {
      const result = await load({ ...environment(), VGPU_CONNECT_TIMEOUT_MS: '30000' });
      expect(result).toMatchObject({ errnoKept: true, descriptors: 0, threads: 0 });
      expect(takeLog()).toMatch(/ready: 1 device\(s\), the first is /);
    });

    it('that is stopped', async () => {
      signalExecutor('SIGSTOP');
      await keepsTime(environment());
      expect(takeLog()).toContain('no answer in time');
    });
  });
});

describe('who is looked for, and by whom', { timeout: 60_000 }, () => {
  /** How many connect when a program of that name starts. */
  async function callers(name: string, environment: Record<string, string>): Promise<number> {
    const peer = await new Peer((socket) => socket.destroy()).listen();
    const configuration = join(folder, 'shim.conf');
    writeFileSync(configuration, `executor = unix:${peer.path}\nearly-init = chosen*\ndeny = unwanted\n`);
    try {
      await load({ VGPU_SHIM_CONFIGURATION: configuration, ...environment }, name);
      return peer.callers;
    } finally {
      await peer.close();
    }
  }

  it.each([
    ['program', {}, 0],
    ['program', { VGPU_EARLY_INIT: '1' }, 1],
    ['program', { VGPU_EARLY_INIT: '1', VGPU_DISABLE: '1' }, 0],
    ['ollama', {}, 1],
    ['ollama', { VGPU_EARLY_INIT: '0' }, 0],
    ['chosen-one', {}, 1],
    ['unwanted', { VGPU_EARLY_INIT: '1' }, 0],
    ['sshd', { VGPU_EARLY_INIT: '1' }, 0],
    ['systemd-logind', { VGPU_EARLY_INIT: '1' }, 0],
    ['sshd', {}, 0],
  ])('%s with %j: %i', async (name, environment, expected) => {
    expect(await callers(name, environment)).toBe(expected);
  });

  it('a program that may do more than its caller does nothing, whatever its environment says', async ({
    skip,
  }) => {
    if (process.getuid?.() !== 0) {
      process.stderr.write('a setuid program is not tested: only root can make one for somebody else\n');
      return skip('not root');
    }
    const peer = await new Peer((socket) => socket.destroy()).listen();
    const path = join('/var/tmp', `vgpu-setuid-${process.pid}`);
    copyFileSync(loadTime, path);
    // Not of root's rights: it loads whatever library anybody names.
    execFileSync('chown', ['65533', path]);
    execFileSync('chmod', ['4755', path]);
    execFileSync('chmod', ['755', folder]);
    try {
      const env = { ...early(peer.path), VGPU_LOG: `${path}.log` };
      const { stdout } = await run(path, [library], { env, uid: 65534, gid: 65534 });
      expect(loaded.parse(JSON.parse(stdout))).toMatchObject({ descriptors: 0, threads: 0 });
      expect(peer.callers).toBe(0);
      expect(() => readFileSync(`${path}.log`)).toThrow('ENOENT');
    } finally {
      rmSync(path);
      await peer.close();
    }
  });
});

describe('a configuration file', () => {
  const configuration = join(folder, 'bad.conf');
  const bad: [string, () => void, string][] = [
    ['with a mistake', () => writeFileSync(configuration, 'early-init = program\nexecuter = x\n'), 'line 2'],
    ['of 200 KiB', () => writeFileSync(configuration, 'early-init = program\n'.repeat(10_000)), '64 KiB'],
    ['that is a folder', () => mkdirSync(configuration), 'no regular file'],
    ['that is a pipe', () => execFileSync('mkfifo', [configuration]), 'no regular file'],
    ['of random bytes', () => writeFileSync(configuration, Buffer.from([1, 0, 255, 10])), 'not text'],
  ];

  it.each(bad)('%s means no early initialisation, and one line in the log', async (_what, make, problem) => {
    const peer = await new Peer((socket) => socket.destroy()).listen();
    make();
    try {
      await load({ ...early(peer.path), VGPU_SHIM_CONFIGURATION: configuration });
      expect(peer.callers).toBe(0);
      const lines = takeLog().trim().split('\n');
      expect(lines).toHaveLength(1);
      expect(lines[0]).toContain(problem);
    } finally {
      rmSync(configuration, { recursive: true });
      await peer.close();
    }
  });
});

describe('vgpu-shim-explain', () => {
  const explained = z.looseObject({ class: z.string(), reason: z.string(), state: z.string().nullish() });
  const explain = (...args: string[]) =>
    explained.parse(JSON.parse(execFileSync(shimExplainProgram(), args, { encoding: 'utf8' })));
  const started: ChildProcess[] = [];
  afterEach(() => {
    for (const child of started.splice(0)) child.kill('SIGKILL');
  });

  async function stateOf(name: string, environment: Record<string, string>) {
    const child = spawn(named('/bin/sleep', name), ['60'], { env: { LD_PRELOAD: library, ...environment } });
    started.push(child);
    await once(child, 'spawn');
    const pid = String(child.pid);
    await expect
      .poll(() => explain('--pid', pid).state, { timeout: 20_000 })
      .toSatisfy((state) => !['unseen', 'deciding', 'connecting', undefined, null].includes(state));
    return explain('--pid', pid);
  }

  it('tells class, reason and state of a running process', async () => {
    expect(await stateOf('sleeper', {})).toMatchObject({ class: 'deferred', state: 'deferred' });
    expect(await stateOf('sshd', {})).toMatchObject({ class: 'refused', state: 'refused' });
    expect(await stateOf('sleeper', { VGPU_DISABLE: '1' })).toMatchObject({
      class: 'refused',
      state: 'refused',
      reason: 'VGPU_DISABLE is set',
    });
    expect(await stateOf('ollama', {})).toMatchObject({ class: 'early', state: 'deferred' });
  });

  it('tells what would become of a program', () => {
    expect(explain('--program', '/bin/true')).toMatchObject({ class: 'deferred' });
    expect(explain('--program', '/bin/su')).toMatchObject({ class: 'refused' });
  });
});
