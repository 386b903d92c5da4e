// TCP and vsock: who may connect, and what a connection over a network cannot do.

import { createHmac, randomBytes } from 'node:crypto';
import { chmodSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { encodeHello, proofLabels, statusProve, welcomeBytes } from '@vgpu/protocol/handshake';
import { afterEach, describe, expect, it } from 'vitest';
import { Executor, executorStatus, resolveExecutorUrl } from '../src/index.js';
import { DaemonProcess, until } from './daemon-process.js';
import { RawClient, u64 } from './raw-client.js';

const NOT_PERMITTED = 800;
const NOT_SUPPORTED = 801;
const SECRET = 'correct horse battery staple';

const daemons: DaemonProcess[] = [];
const clients: RawClient[] = [];
const servers: Server[] = [];

afterEach(async () => {
  for (const client of clients.splice(0)) client.close();
  for (const server of servers.splice(0)) server.close();
  for (const daemon of daemons.splice(0)) await daemon.stop('SIGKILL');
});

/** Listens at a free port of `host` too; with `token` it asks for it. */
async function start(host: string, token?: string, ...args: string[]) {
  const folder = process.env.TMPDIR ?? '/tmp';
  const tokenFile = join(folder, `vgpu-token-${process.pid}-${daemons.length}`);
  if (token !== undefined) writeFileSync(tokenFile, `${token}\n`, { mode: 0o600 });
  const tokenOptions = token === undefined ? [] : ['--token-file', tokenFile];
  const daemon = await DaemonProcess.start('--listen', `tcp:${host}:0`, ...tokenOptions, ...args);
  daemons.push(daemon);
  daemon.removeLater(tokenFile);
  const url = daemon.lines.map((line) => line.match(/listening at (tcp:.*)$/)?.[1]).find(Boolean);
  if (!url) throw new Error(`no TCP address in the log:\n${daemon.lines.join('\n')}`);
  return { daemon, url, port: Number(url.match(/\d+$/)), tokenFile };
}

const connect = async (port: number): Promise<RawClient> => {
  const client = await RawClient.connect({ host: '127.0.0.1', port });
  clients.push(client);
  return client;
};

const proof = (secret: string, side: keyof typeof proofLabels, guest: Uint8Array, executor: Uint8Array) =>
  createHmac('sha256', secret).update(proofLabels[side]).update(guest).update(executor).digest();

const statusOf = (welcome: Buffer): number => welcome.readInt32LE(40);
const NONCE = welcomeBytes - 64;
const PROOF = welcomeBytes - 32;

describe('TCP', () => {
  it.each(['127.0.0.1', 'localhost', '[::1]'])('serves programs of this machine at %s', async (host) => {
    const { daemon, url, port } = await start(host);
    const { device } = await Executor.connect(url);
    expect(device).toMatchObject({ backend: 'software', memoryBytes: 64 * 2 ** 20 });
    const client = await RawClient.open({ host: host.replace(/[[\]]/g, ''), port }, 'by-tcp');
    clients.push(client);
    expect((await client.call('cuMemAlloc_v2', u64(1024))).status).toBe(0);
    // Who has only asked may still be on its way out.
    const entry = (await executorStatus(daemon.url)).clients.find(({ program }) => program === 'by-tcp');
    expect(entry).toMatchObject({ processId: process.pid, memoryBytes: 1024 });
    expect(entry?.address).toMatch(/^tcp:(127\.0\.0\.1|\[::1\]):\d+$/);
    expect(entry?.userId).toBeUndefined();
  });

  it('has no memory that both machines map, and says so', async () => {
    const { daemon, port } = await start('127.0.0.1');
    const client = await RawClient.open({ host: '127.0.0.1', port });
    clients.push(client);
    expect((await client.call('vgpuMemAllocShared', u64(4096))).status).toBe(NOT_SUPPORTED);
    await until(() => daemon.logged(/managed and mapped memory need a program on/), 'the log says so');
    expect((await client.call('cuCtxSynchronize')).status).toBe(0);
  });

  it('tells nobody about the clients without a token', async () => {
    const { url } = await start('127.0.0.1');
    await expect(executorStatus(url)).rejects.toMatchObject({
      code: 'ERR_VGPU_EXECUTOR_REFUSED',
      message: expect.stringContaining('only those who prove a token'),
    });
  });

  it('of all machines needs a token', async () => {
    await expect(DaemonProcess.start('--listen', 'tcp:0.0.0.0:0')).rejects.toThrow(
      /would let other machines in: it needs a --token-file/,
    );
  });

  it('that is taken is an error that names it', async () => {
    const { url } = await start('127.0.0.1');
    await expect(DaemonProcess.start('--listen', url)).rejects.toThrow(
      new RegExp(`ERR_VGPU_EXECUTOR_LISTEN: cannot listen at ${url}: bind: Address already in use`),
    );
  });
});

describe('a token', () => {
  it('opens the executor to who knows it', async () => {
    const { url, tokenFile } = await start('0.0.0.0', SECRET);
    const reachable = url.replace('0.0.0.0', '127.0.0.1');
    expect((await Executor.connect(reachable, { tokenFile })).device.backend).toBe('software');
    // The worker of the connection above may still be on its way out.
    const clients = async () => (await executorStatus(reachable, { tokenFile })).clients;
    await expect.poll(clients, { timeout: 5_000 }).toEqual([]);
  });

  it('is asked for before anything else: who has none, or another, takes no place', async () => {
    const { daemon, url, port } = await start('127.0.0.1', SECRET, '--max-clients', '1');
    await expect(Executor.connect(url)).rejects.toMatchObject({
      code: 'ERR_VGPU_EXECUTOR_TOKEN',
      message: 'the executor asks for a token',
    });
    const other = join(daemon.folder, 'other');
    writeFileSync(other, 'quite another secret', { mode: 0o600 });
    await expect(Executor.connect(url, { tokenFile: other })).rejects.toMatchObject({
      code: 'ERR_VGPU_EXECUTOR_REFUSED',
      message: expect.stringContaining(
        `the token is another one than the executor's (CUDA error ${NOT_PERMITTED})`,
      ),
    });
    const waiting = await connect(port);
    waiting.socket.write(encodeHello(1, 'waiting'));
    expect(statusOf(await waiting.read(welcomeBytes))).toBe(statusProve);
    await RawClient.open(daemon.socketPath).then((client) => clients.push(client));
  });

  it('is proved by the executor too', async () => {
    const { port } = await start('127.0.0.1', SECRET);
    const client = await connect(port);
    const nonce = randomBytes(32);
    client.socket.write(encodeHello(1, 'guest', 'session', nonce));
    const demand = await client.read(welcomeBytes);
    const executorNonce = demand.subarray(NONCE, PROOF);
    client.socket.write(proof(SECRET, 'guest', nonce, executorNonce));
    const welcome = await client.read(welcomeBytes);
    expect(statusOf(welcome)).toBe(0);
    expect(welcome.subarray(PROOF).equals(proof(SECRET, 'executor', nonce, executorNonce))).toBe(true);
  });

  it('is not proved by an earlier proof, nor by the other side’s', async () => {
    const { port } = await start('127.0.0.1', SECRET);
    const nonce = randomBytes(32);
    let earlier = Buffer.alloc(32);
    for (const answer of ['good', 'replayed', 'reflected', 'zero'] as const) {
      const client = await connect(port);
      client.socket.write(encodeHello(1, answer, 'session', nonce));
      const demanded = (await client.read(welcomeBytes)).subarray(NONCE, PROOF);
      const good = proof(SECRET, 'guest', nonce, demanded);
      const reflected = proof(SECRET, 'executor', nonce, demanded);
      client.socket.write({ good, replayed: earlier, reflected, zero: Buffer.alloc(32) }[answer]);
      earlier = good;
      expect(statusOf(await client.read(welcomeBytes))).toBe(answer === 'good' ? 0 : NOT_PERMITTED);
    }
  });

  it('is not asked for at the unix socket', async () => {
    const { daemon } = await start('127.0.0.1', SECRET);
    expect((await Executor.connect(daemon.url)).device.backend).toBe('software');
  });

  it('that is given but not asked for is not sent to a stranger', async () => {
    const { tokenFile } = await start('127.0.0.1', SECRET);
    const { url } = await start('127.0.0.1');
    await expect(Executor.connect(url, { tokenFile })).rejects.toMatchObject({
      code: 'ERR_VGPU_EXECUTOR_TOKEN',
      message: 'the executor does not prove that it knows the token',
    });
  });

  it('that others can read is refused on both sides', async () => {
    const { daemon, url, tokenFile } = await start('127.0.0.1', SECRET);
    chmodSync(tokenFile, 0o644);
    await expect(Executor.connect(url, { tokenFile })).rejects.toMatchObject({
      code: 'ERR_VGPU_EXECUTOR_TOKEN',
      message: expect.stringContaining('others have access to it'),
    });
    await expect(
      DaemonProcess.start('--listen', 'tcp:127.0.0.1:0', '--token-file', tokenFile),
    ).rejects.toThrow(/ERR_VGPU_EXECUTOR_TOKEN: .*others have access to it/);
    expect(daemon.logged(/ERR_/)).toBe(false);
  });

  it('cannot be had from an executor that demands proofs for ever', async () => {
    const { tokenFile } = await start('127.0.0.1', SECRET);
    const server = createServer((socket) => {
      socket.on('error', () => {});
      socket.once('data', (hello) => {
        const demand = Buffer.alloc(welcomeBytes);
        hello.copy(demand, 0, 0, 40);
        demand.writeInt32LE(statusProve, 40);
        socket.write(Buffer.concat([demand, demand]));
      });
    });
    servers.push(server);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const address = server.address();
    if (address === null || typeof address === 'string') throw new Error('no port');
    await expect(Executor.connect(`tcp:127.0.0.1:${address.port}`, { tokenFile })).rejects.toMatchObject({
      code: 'ERR_VGPU_EXECUTOR_PROTOCOL',
    });
  });
});

describe('an address', () => {
  it('is resolved for the guest library, which looks no name up', async () => {
    const { url: ofMachine } = await start('127.0.0.1');
    const named = ofMachine.replace('127.0.0.1', 'localhost');
    expect((await Executor.connect(named)).url).toBe(named);
    for (const url of ['unix:/run/vgpu.sock', 'tcp:192.0.2.1:80', 'tcp:[2001:db8::1]:80', 'vsock:2:4000']) {
      expect(await resolveExecutorUrl(url)).toBe(url);
    }
  });

  it.each([
    'tcp:host',
    'tcp:host:0',
    'tcp:host:65536',
    'tcp:::1:80',
    'tcp:[::1]',
    'unix:relative',
    'x:/y',
    '',
  ])('%j is none', async (url) => {
    await expect(executorStatus(url)).rejects.toMatchObject({ code: 'ERR_VGPU_EXECUTOR_OPTIONS' });
  });
});
