// What clients share: places, memory; and what the executor tells about them.
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import { executorStatus } from '../src/index.js';
import { DaemonProcess, until } from './daemon-process.js';
import { counted, type RawClient, u32, u64 } from './raw-client.js';

const MIB = 1024 * 1024;
const OUT_OF_MEMORY = 2;

let daemon: DaemonProcess;

const memoryOf = async (client: RawClient): Promise<{ free: number; total: number }> => {
  const { payload } = await client.call('cuMemGetInfo_v2');
  return { free: Number(payload.readBigUInt64LE(0)), total: Number(payload.readBigUInt64LE(8)) };
};
const allocate = (client: RawClient, bytes: number) => client.call('cuMemAlloc_v2', u64(bytes));

afterEach(async () => {
  await daemon.stop('SIGKILL');
});

describe('memory', () => {
  it('is limited for each client, and the client sees the limit as the size of its device', async () => {
    daemon = await DaemonProcess.start('--client-memory', '16M');
    const [first, second] = [await daemon.open(), await daemon.open()];
    expect(first.deviceMemoryBytes).toBe(16 * MIB);
    expect(await memoryOf(first)).toEqual({ free: 16 * MIB, total: 16 * MIB });
    expect((await allocate(first, 16 * MIB + 1)).status).toBe(OUT_OF_MEMORY);
    expect((await allocate(first, 12 * MIB)).status).toBe(0);
    expect((await allocate(first, 4 * MIB + 1)).status).toBe(OUT_OF_MEMORY);
    expect(await memoryOf(first)).toEqual({ free: 4 * MIB, total: 16 * MIB });
    expect(await memoryOf(second)).toEqual({ free: 16 * MIB, total: 16 * MIB });
  });

  it('of all clients together is never more than the device has', async () => {
    daemon = await DaemonProcess.start('--memory', '32M');
    const [first, second] = [await daemon.open(), await daemon.open()];
    expect((await allocate(first, 20 * MIB)).status).toBe(0);
    expect(await memoryOf(second)).toEqual({ free: 12 * MIB, total: 32 * MIB });
    expect((await allocate(second, 13 * MIB)).status).toBe(OUT_OF_MEMORY);
    await until(() => daemon.logged(/12582912 bytes free: other clients have the rest/), 'the log says so');
    expect((await allocate(second, 12 * MIB)).status).toBe(0);
    expect((await memoryOf(first)).free).toBe(0);
  });

  it.each([
    ['physical memory', 'vgpuMemCreate', [u64(8 * MIB), u32(0)]],
    ['shared memory', 'vgpuMemAllocShared', [u64(8 * MIB)]],
    ['pool memory', 'vgpuMemAllocAsync', [u64(8 * MIB), u64(0)]],
    ['pitched memory', 'cuMemAllocPitch_v2', [u64(8192), u64(1024), u32(4)]],
  ] as const)('counts %s', async (_kind, call, payload) => {
    daemon = await DaemonProcess.start('--client-memory', '12M');
    const client = await daemon.open();
    expect((await client.call(call, ...payload)).status).toBe(0);
    expect((await memoryOf(client)).free).toBe(4 * MIB);
    expect((await client.call(call, ...payload)).status).toBe(OUT_OF_MEMORY);
    expect((await memoryOf(client)).free).toBe(4 * MIB);
    expect((await executorStatus(daemon.url)).memoryInUseBytes).toBe(8 * MIB);
  });

  it('counts the variables of modules', async () => {
    daemon = await DaemonProcess.start('--client-memory', '12M');
    const client = await daemon.open();
    const variable = `.version 7.0\n.target sm_75\n.address_size 64\n.visible .global .align 8 .b8 a[${8 * MIB}];\n`;
    expect((await client.call('vgpuModuleLoad', counted(variable))).status).toBe(0);
    expect((await memoryOf(client)).free).toBeLessThanOrEqual(4 * MIB);
    expect((await client.call('vgpuModuleLoad', counted(variable))).status).toBe(OUT_OF_MEMORY);
    expect((await allocate(client, 3 * MIB)).status).toBe(0);
  });

  it('comes back when it is freed, when its client leaves, and when its worker is killed', async () => {
    daemon = await DaemonProcess.start('--memory', '32M');
    const observer = await daemon.open();
    const first = await daemon.open();
    const { payload } = await allocate(first, 30 * MIB);
    expect((await allocate(observer, 30 * MIB)).status).toBe(OUT_OF_MEMORY);
    await first.call('vgpuMemFree', payload);
    expect((await memoryOf(observer)).free).toBe(32 * MIB);

    expect((await allocate(first, 30 * MIB)).status).toBe(0);
    first.close();
    await until(() => daemon.workers().length === 1, 'the first client has left');
    expect((await memoryOf(observer)).free).toBe(32 * MIB);

    const before = daemon.workers();
    const second = await daemon.open();
    expect((await allocate(second, 30 * MIB)).status).toBe(0);
    const [worker = 0] = daemon.workers().filter((pid) => !before.includes(pid));
    process.kill(worker, 'SIGKILL');
    await until(() => daemon.workers().length === 1, 'the second worker is gone');
    expect((await memoryOf(observer)).free).toBe(32 * MIB);
    expect((await allocate(observer, 32 * MIB)).status).toBe(0);
  });
});

describe('the status', () => {
  it('names every client, and counts what it does', async () => {
    daemon = await DaemonProcess.start('--client-memory', '16M', '--max-clients', '3');
    const begin = Date.now();
    const client = await daemon.open('trainer "x"');
    await daemon.open('other');
    await allocate(client, 5 * MIB);
    const status = await executorStatus(daemon.url);
    expect(status).toMatchObject({
      processId: daemon.pid,
      backend: 'software',
      maximumClients: 3,
      memoryBytes: 64 * MIB,
      memoryInUseBytes: 5 * MIB,
      clientMemoryBytes: 16 * MIB,
      totals: { clients: 2, calls: 3, kernels: 0 },
    });
    expect(status.clients.map(({ program }) => program).sort()).toEqual(['other', 'trainer "x"']);
    const trainer = status.clients.find(({ program }) => program.startsWith('trainer'));
    expect(trainer).toMatchObject({
      processId: process.pid,
      userId: process.getuid?.(),
      memoryBytes: 5 * MIB,
      calls: 2,
      kernels: 0,
    });
    expect(daemon.workers()).toContain(trainer?.workerProcessId);
    expect(Math.abs((trainer?.connectedAt.getTime() ?? 0) - begin)).toBeLessThan(10_000);
    expect(status.startedAt.getTime()).toBeLessThanOrEqual(trainer?.connectedAt.getTime() ?? 0);
  });

  it('takes no place, and is there when all places are taken', async () => {
    daemon = await DaemonProcess.start('--max-clients', '1');
    const client = await daemon.open();
    for (let i = 0; i < 5; i += 1) expect((await executorStatus(daemon.url)).clients.length).toBe(1);
    client.close();
    await until(() => daemon.workers().length === 0, 'the client has left');
    expect(await executorStatus(daemon.url)).toMatchObject({
      clients: [],
      totals: { clients: 1, calls: 1 },
      memoryInUseBytes: 0,
    });
    await daemon.open();
  });

  it('of something that is no executor is an error', async () => {
    daemon = await DaemonProcess.start();
    await expect(executorStatus(`unix:${daemon.folder}/nobody`)).rejects.toMatchObject({
      code: 'ERR_VGPU_EXECUTOR_UNREACHABLE',
    });
    await expect(executorStatus('http://localhost')).rejects.toMatchObject({
      code: 'ERR_VGPU_EXECUTOR_OPTIONS',
    });
  });
});

describe('connections without a place', () => {
  it('do not keep others out, however many and however silent', async () => {
    daemon = await DaemonProcess.start('--max-clients', '2');
    const silent = await Promise.all(
      Array.from({ length: 100 }, async () => {
        const client = await daemon.connect();
        return client;
      }),
    );
    await sleep(20);
    const [first, second] = [await daemon.open(), await daemon.open()];
    expect((await allocate(first, MIB)).status).toBe(0);
    expect((await allocate(second, MIB)).status).toBe(0);
    expect(daemon.workers().length).toBeLessThanOrEqual(66);
    await until(() => daemon.logged(/too many connections without a place/), 'the log says so');
    expect(silent.length).toBe(100);
  });
});
