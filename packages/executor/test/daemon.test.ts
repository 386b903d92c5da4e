// The daemon, seen by clients that behave and by clients that do not.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { encodeHello, welcomeBytes } from '@vgpu/protocol/handshake';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { DaemonProcess, isAlive, until } from './daemon-process.js';
import { callNumber, counted, DEFERRED, frame, type RawClient, u32, u64 } from './raw-client.js';

const INVALID_VALUE = 1;
const OUT_OF_MEMORY = 2;
const INVALID_CONTEXT = 201;
const ILLEGAL_ADDRESS = 700;
const LAUNCH_TIMEOUT = 702;
const NOT_SUPPORTED = 801;
const DRIVER_MISMATCH = 803;
const MAXIMUM_CLIENTS = 808;

const MODULE = `
.version 7.0
.target sm_75
.address_size 64
.visible .entry poke(.param .u64 address)
{
  .reg .b32 %r<2>;
  .reg .b64 %rd<2>;
  ld.param.u64 %rd1, [address];
  mov.u32 %r1, 7;
  st.global.u32 [%rd1], %r1;
  ret;
}
.visible .entry forever()
{
LOOP:
  bra LOOP;
}
`;

let daemon: DaemonProcess;

/** The connection works, and the worker behind it does. */
const expectServed = async (client: RawClient): Promise<void> => {
  expect((await client.call('cuCtxSynchronize')).status).toBe(0);
};

const allocate = async (client: RawClient, bytes: number): Promise<bigint> => {
  const { status, payload } = await client.call('cuMemAlloc_v2', u64(bytes));
  expect(status).toBe(0);
  return payload.readBigUInt64LE();
};

const load = async (client: RawClient, name: string): Promise<bigint> => {
  const module = await client.call('vgpuModuleLoad', counted(MODULE));
  expect(module.status).toBe(0);
  const kernel = await client.call('cuModuleGetFunction', module.payload, counted(name));
  expect(kernel.status).toBe(0);
  return kernel.payload.readBigUInt64LE();
};

const launchPayload = (kernel: bigint, parameters: Uint8Array): Buffer =>
  Buffer.concat([
    u64(kernel),
    ...Array.from({ length: 6 }, () => u32(1)),
    u32(0),
    u64(0),
    counted(parameters),
  ]);

afterEach(async () => {
  await daemon.stop('SIGKILL');
});

describe('a client', () => {
  beforeEach(async () => {
    daemon = await DaemonProcess.start();
  });

  it('allocates, copies, launches and reads back', async () => {
    const client = await daemon.open();
    const address = await allocate(client, 16);
    const kernel = await load(client, 'poke');
    expect((await client.call('vgpuLaunchKernel', launchPayload(kernel, u64(address + 4n)))).status).toBe(0);
    const { status, payload } = await client.call(
      'vgpuCopyFromDevice',
      u64(address),
      u64(16),
      u64(16),
      u64(0),
    );
    expect(status).toBe(0);
    expect(payload.toString('hex')).toBe('00000000070000000000000000000000');
  });

  it('copies pieces of the full size', async () => {
    const client = await daemon.open();
    const bytes = 4 * 1024 * 1024;
    const content = Buffer.alloc(bytes, 'vgpu executor');
    const address = await allocate(client, bytes);
    const write = await client.call('vgpuCopyToDevice', u64(address), u64(bytes), u64(0), counted(content));
    expect(write.status).toBe(0);
    const read = await client.call('vgpuCopyFromDevice', u64(address), u64(bytes), u64(bytes), u64(0));
    expect(read.payload.equals(content)).toBe(true);
  });

  it('gets answers in the order of its requests, however many it sends at once', async () => {
    const client = await daemon.open();
    const count = 500;
    for (let i = 0; i < count; i += 1) client.send('cuCtxSynchronize');
    const first = (await client.answer()).sequence;
    for (let i = 1; i < count; i += 1) expect((await client.answer()).sequence).toBe(first + i);
  });

  it('loses its memory and its process when it leaves', async () => {
    const client = await daemon.open();
    await allocate(client, 1 << 20);
    const [worker] = daemon.workers();
    client.close();
    await until(() => daemon.workers().length === 0, 'the worker ends');
    expect(isAlive(worker ?? 0)).toBe(false);
    await until(
      () => daemon.logged(/disconnected after \d+ calls, with 0 modules, 0 decoded kernels/),
      'the log says so',
    );
    const next = await daemon.open();
    const { payload } = await next.call('cuMemGetInfo_v2');
    expect(payload.readBigUInt64LE(0)).toBe(payload.readBigUInt64LE(8));
  });

  it('sees nothing of another one', async () => {
    const [first, second] = [await daemon.open(), await daemon.open()];
    const address = await allocate(first, 64);
    await allocate(second, 64);
    await first.call('vgpuCopyToDevice', u64(address), u64(64), u64(0), counted(Buffer.alloc(64, 1)));
    const read = await second.call('vgpuCopyFromDevice', u64(address), u64(64), u64(64), u64(0));
    expect(read.payload.every((byte) => byte === 0)).toBe(true);
  });

  it('hears of the error of a deferred launch at the next call that synchronises', async () => {
    const client = await daemon.open();
    const kernel = await load(client, 'poke');
    client.send('vgpuLaunchKernel', launchPayload(kernel, new Uint8Array(3)), DEFERRED);
    expect((await client.call('cuMemGetInfo_v2')).status).toBe(0);
    expect((await client.call('cuCtxSynchronize')).status).toBe(INVALID_VALUE);
    await expectServed(client);
  });

  it('has a dead context after a kernel went astray, and only it', async () => {
    const [client, other] = [await daemon.open(), await daemon.open()];
    const kernel = await load(client, 'poke');
    client.send('vgpuLaunchKernel', launchPayload(kernel, u64(64)), DEFERRED);
    expect((await client.call('cuMemGetInfo_v2')).status).toBe(ILLEGAL_ADDRESS);
    expect((await client.call('cuDevicePrimaryCtxReset_v2', u32(0))).status).toBe(ILLEGAL_ADDRESS);
    await expectServed(other);
    await until(
      () => daemon.logged(/raw-client\/\d+\] vgpuLaunchKernel gives 700: .*poke/),
      'the log says so',
    );
    // A new connection is a new start.
    await expectServed(await daemon.open());
  });

  it('is told when memory is used up, and can go on', async () => {
    const client = await daemon.open();
    expect((await client.call('cuMemAlloc_v2', u64(2 ** 40))).status).toBe(OUT_OF_MEMORY);
    await expectServed(client);
  });
});

describe('a handshake', () => {
  beforeEach(async () => {
    daemon = await DaemonProcess.start();
  });

  it('of another version is refused with the reason', async () => {
    for (const position of [4, 8, 39]) {
      const client = await daemon.connect();
      const hello = Buffer.from(encodeHello(1, 'old'));
      hello.writeUInt8(hello.readUInt8(position) ^ 0x80, position);
      client.socket.write(hello);
      const welcome = await client.read(welcomeBytes);
      expect(welcome.readInt32LE(40)).toBe(DRIVER_MISMATCH);
      expect(welcome.readUInt32LE(44)).toBe(0);
      expect(welcome.toString('utf8', 120)).toMatch(
        /^client and executor were built from different versions/,
      );
      await client.ended();
    }
    await until(() => daemon.logged(/old\/1\] client refused with 803/), 'the log says so');
  });

  it('of something else ends at once', async () => {
    const client = await daemon.connect();
    client.socket.write('GET / HTTP/1.1\r\n\r\n');
    expect((await client.ended()).length).toBe(0);
    await until(() => daemon.logged(/does not speak the vgpu protocol/), 'the log says so');
  });

  it('that does not come, or only half, ends after five seconds', async () => {
    const begin = performance.now();
    const silent = await daemon.connect();
    const slow = await daemon.connect();
    slow.socket.write(encodeHello(1, 'slow').subarray(0, 50));
    await Promise.all([silent.ended(), slow.ended()]);
    expect(performance.now() - begin).toBeGreaterThan(4_500);
    expect(performance.now() - begin).toBeLessThan(8_000);
    expect(daemon.lines.filter((line) => line.includes('said nothing')).length).toBe(2);
  });

  it('in single bytes works', async () => {
    const client = await daemon.connect();
    client.socket.setNoDelay(true);
    for (const byte of encodeHello(1, 'dribble')) {
      client.socket.write(Buffer.of(byte));
      await sleep(0);
    }
    expect((await client.read(welcomeBytes)).readInt32LE(40)).toBe(0);
  });

  it('makes nobody wait for somebody who is slow', async () => {
    const silent = await Promise.all(Array.from({ length: 20 }, () => daemon.connect()));
    const begin = performance.now();
    await expectServed(await daemon.open());
    expect(performance.now() - begin).toBeLessThan(2_000);
    expect(silent.length).toBe(20);
  });
});

describe('a frame', () => {
  beforeEach(async () => {
    daemon = await DaemonProcess.start();
  });

  it('over the limit ends the connection', async () => {
    const client = await daemon.open();
    client.socket.write(frame({ call: 1, payloadBytes: 256 * 1024 * 1024 + 1 }));
    await client.ended();
    await until(
      () => daemon.logged(/a request of 268435457 bytes, at most 268435456; closing/),
      'the log says so',
    );
  });

  it('that claims much and brings little costs little', async () => {
    const client = await daemon.open();
    const [worker] = daemon.workers();
    const before = residentBytes(worker);
    client.socket.write(frame({ call: 1, payload: Buffer.alloc(100_000), payloadBytes: 256 * 1024 * 1024 }));
    await sleep(100);
    expect(residentBytes(worker) - before).toBeLessThan(8 * 1024 * 1024);
    client.close();
    await until(() => daemon.logged(/left in the middle of a request/), 'the log says so');
  });

  it('with a call that does not exist is refused, and the connection goes on', async () => {
    const client = await daemon.open();
    client.socket.write(frame({ call: 4_000_000_000, sequence: 5 }));
    expect(await client.answer()).toMatchObject({ status: NOT_SUPPORTED, sequence: 5 });
    await expectServed(client);
    await until(() => daemon.logged(/call 4000000000 does not exist/), 'the log says so');
  });

  it('with a payload of the wrong shape is refused, and the connection goes on', async () => {
    const client = await daemon.open();
    for (const payload of [Buffer.alloc(0), Buffer.alloc(7), Buffer.alloc(9)]) {
      expect((await client.call('cuMemAlloc_v2', payload)).status).toBe(INVALID_VALUE);
    }
    expect((await client.call('vgpuModuleLoad', u64(1n << 63n), Buffer.alloc(10))).status).toBe(
      INVALID_VALUE,
    );
    await expectServed(client);
    await until(
      () => daemon.logged(/cuMemAlloc_v2: malformed request: expected 8 bytes at offset 0, got 7/),
      'the log says so',
    );
    await until(
      () => daemon.logged(/cuMemAlloc_v2: malformed request: expected 8 bytes, got 9/),
      'the log says so',
    );
  });

  it('without a context is answered', async () => {
    const client = await daemon.open();
    client.context = 0n;
    expect((await client.call('cuCtxSynchronize')).status).toBe(INVALID_CONTEXT);
  });

  it('that may not be deferred ends the connection', async () => {
    const client = await daemon.open();
    client.send('cuCtxSynchronize', new Uint8Array(), DEFERRED);
    await client.ended();
    await until(() => daemon.logged(/cuCtxSynchronize may not be deferred; closing/), 'the log says so');
  });

  it('with flags that do not exist ends the connection', async () => {
    const client = await daemon.open();
    client.socket.write(frame({ call: callNumber('vgpuEventRecord'), flags: 2 }));
    await client.ended();
    await until(() => daemon.logged(/vgpuEventRecord: unknown frame flags 2; closing/), 'the log says so');
  });

  it('that stops in the middle is waited for while others are served', async () => {
    const client = await daemon.open();
    client.socket.write(frame({ call: callNumber('cuCtxSynchronize'), sequence: 9 }).subarray(0, 10));
    await expectServed(await daemon.open());
    client.socket.write(
      frame({ call: callNumber('cuCtxSynchronize'), sequence: 9, context: client.context }).subarray(10),
    );
    expect(await client.answer()).toMatchObject({ status: 0, sequence: 9 });
  });
});

describe('a kernel that does not end', () => {
  beforeEach(async () => {
    daemon = await DaemonProcess.start('--kernel-timeout', '2');
  });

  it('is ended in time; until then the client gets signs of life', async () => {
    const client = await daemon.open();
    const kernel = await load(client, 'forever');
    client.send('vgpuLaunchKernel', launchPayload(kernel, new Uint8Array()), DEFERRED);
    const { status, alive } = await client.call('cuCtxSynchronize');
    expect(status).toBe(LAUNCH_TIMEOUT);
    expect(alive).toBeGreaterThanOrEqual(2);
    expect(alive).toBeLessThanOrEqual(8);
  });

  it('ends with its client', async () => {
    const client = await daemon.open();
    const kernel = await load(client, 'forever');
    client.send('vgpuLaunchKernel', launchPayload(kernel, new Uint8Array()), DEFERRED);
    await sleep(50);
    const begin = performance.now();
    client.close();
    await until(() => daemon.workers().length === 0, 'the worker ends');
    expect(performance.now() - begin).toBeLessThan(1_500);
    await until(() => daemon.logged(/the client left while its work was running/), 'the log says why');
  });
});

describe('many clients', () => {
  it('are served up to the limit; the others are told', async () => {
    daemon = await DaemonProcess.start('--max-clients', '8');
    const served = await Promise.all(Array.from({ length: 8 }, () => daemon.open()));
    await expect(daemon.open()).rejects.toThrow(
      `refused with ${MAXIMUM_CLIENTS}: all 8 places for clients are taken`,
    );
    await Promise.all(served.map(expectServed));
    served[0]?.close();
    await until(() => daemon.workers().length === 7, 'a place becomes free');
    await expectServed(await daemon.open());
  });

  it('come and go without leaving anything behind', async () => {
    daemon = await DaemonProcess.start();
    // Once it serves, the pipe that announced it is closed.
    (await daemon.open()).close();
    await until(() => daemon.workers().length === 0, 'the worker ends');
    const before = daemon.openDescriptors();
    for (let round = 0; round < 10; round += 1) {
      const guests = await Promise.all(Array.from({ length: 20 }, () => daemon.open()));
      await Promise.all(guests.map(expectServed));
      for (const guest of guests) guest.close();
    }
    await until(() => daemon.workers().length === 0, 'all workers end');
    expect(daemon.openDescriptors()).toBe(before);
  });

  it('do not notice that the worker of one is killed', async () => {
    daemon = await DaemonProcess.start();
    const first = await daemon.open();
    const [worker = 0] = daemon.workers();
    const others = await Promise.all(Array.from({ length: 5 }, () => daemon.open()));
    process.kill(worker, 'SIGKILL');
    await first.ended();
    await Promise.all(others.map(expectServed));
    await until(
      () => daemon.logged(new RegExp(`worker ${worker} of .* was killed by signal 9 \\(Killed\\)`)),
      'the log says so',
    );
    await expectServed(await daemon.open());
  });
});

describe('the daemon', () => {
  it('stops at SIGTERM, with its workers, and removes its socket', async () => {
    daemon = await DaemonProcess.start();
    const guests = await Promise.all(Array.from({ length: 3 }, () => daemon.open()));
    const workers = daemon.workers();
    expect(workers.length).toBe(3);
    daemon.process.kill('SIGTERM');
    await Promise.all(guests.map((guest) => guest.ended()));
    await until(() => !existsSync(daemon.socketPath), 'the socket goes');
    expect(await daemon.stop()).toEqual({ code: 0, signal: null });
    expect(workers.filter(isAlive)).toEqual([]);
  });

  it('ends well, however often it is told to', { timeout: 60_000 }, async () => {
    for (let round = 0; round < 10; round += 1) {
      daemon = await DaemonProcess.start();
      await daemon.open();
      const nagging = spawn('bash', ['-c', `while kill -TERM ${daemon.process.pid}; do :; done 2>/dev/null`]);
      const ended = once(nagging, 'close');
      expect(await daemon.ending()).toEqual({ code: 0, signal: null });
      await ended;
    }
  });

  it('stops although a worker is busy', async () => {
    daemon = await DaemonProcess.start();
    const client = await daemon.open();
    client.send('vgpuLaunchKernel', launchPayload(await load(client, 'forever'), new Uint8Array()), DEFERRED);
    await sleep(50);
    const begin = performance.now();
    expect(await daemon.stop()).toEqual({ code: 0, signal: null });
    expect(performance.now() - begin).toBeLessThan(2_000);
  });

  it('takes its workers along when it is killed', async () => {
    daemon = await DaemonProcess.start();
    await daemon.open();
    const workers = daemon.workers();
    await daemon.stop('SIGKILL');
    await until(() => !workers.some(isAlive), 'the workers end');
  });

  it('stops when its parent goes', async () => {
    // The pipe of --ready-fd serves as the parent's too.
    daemon = await DaemonProcess.start('--parent-fd', '3');
    const ready = daemon.process.stdio[3];
    if (ready && 'destroy' in ready) ready.destroy();
    await until(() => daemon.process.exitCode !== null, 'the daemon ends');
    expect(daemon.process.exitCode).toBe(0);
    await until(() => daemon.logged(/stopping: the parent process has gone/), 'the log says so');
  });

  it('gives its socket the mode 0660', async () => {
    daemon = await DaemonProcess.start();
    expect(statSync(daemon.socketPath).mode & 0o777).toBe(0o660);
  });

  it('does not take the place of another one', async () => {
    daemon = await DaemonProcess.start();
    await expect(DaemonProcess.start('--listen', daemon.url)).rejects.toThrow(
      /ERR_VGPU_EXECUTOR_LISTEN: cannot listen at .*: another process listens there/,
    );
    await expectServed(await daemon.open());
  });

  it('does not remove a file that is no socket', async () => {
    daemon = await DaemonProcess.start();
    const file = `${daemon.folder}/precious`;
    writeFileSync(file, 'precious');
    await expect(DaemonProcess.start('--listen', `unix:${file}`)).rejects.toThrow(/it is no socket/);
    expect(statSync(file).size).toBe(8);
  });
});

function residentBytes(pid = 0): number {
  const pages = Number(readStat(pid)[1]);
  return pages * 4096;
}

function readStat(pid: number): string[] {
  return readFileSync(`/proc/${pid}/statm`, 'utf8').split(' ');
}
