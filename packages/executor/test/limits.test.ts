// What ends a client: its own silence in mid-frame, and the limits on its stay.
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import { executorStatus } from '../src/index.js';
import { DaemonProcess, until } from './daemon-process.js';
import { counted, DEFERRED, frame, u32, u64 } from './raw-client.js';

const CLIENT_TERMINATED = 810;
const ENDLESS = `
.version 7.0
.target sm_75
.address_size 64
.visible .entry forever()
{
LOOP:
  bra LOOP;
}
`;

let daemon: DaemonProcess;

afterEach(async () => {
  await daemon.stop('SIGKILL');
});

describe('a client that hangs', () => {
  it.each([
    ['in a header', frame({ call: 1 }).subarray(0, 10)],
    ['in a payload', frame({ call: 1, payload: Buffer.alloc(1000), payloadBytes: 100_000 })],
  ])('%s is cleaned up within a second, and others notice nothing', async (_where, half) => {
    daemon = await DaemonProcess.start();
    const other = await daemon.open();
    const hanging = await daemon.open();
    expect((await hanging.call('cuMemAlloc_v2', u64(2 ** 20))).status).toBe(0);
    const begin = performance.now();
    hanging.socket.write(half);
    await hanging.ended();
    expect(performance.now() - begin).toBeGreaterThan(500);
    // A second, and what a loaded machine adds to it.
    expect(performance.now() - begin).toBeLessThan(2_000);
    expect((await other.call('cuCtxSynchronize')).status).toBe(0);
    await until(() => daemon.workers().length === 1, 'its worker ends');
    expect((await executorStatus(daemon.url)).memoryInUseBytes).toBe(0);
    await until(() => daemon.logged(/half a request and then nothing for 900 ms/), 'the log says so');
  });

  it('but goes on before the second is over is served', async () => {
    daemon = await DaemonProcess.start();
    const client = await daemon.open();
    const whole = frame({ call: 4_000_000_000, sequence: 9 });
    for (const part of [whole.subarray(0, 7), whole.subarray(7, 20), whole.subarray(20)]) {
      client.socket.write(part);
      await sleep(400);
    }
    expect((await client.answer()).sequence).toBe(9);
  });
});

describe('limits', () => {
  it('end an idle client, which hears so at its next call', async () => {
    daemon = await DaemonProcess.start('--idle-limit', '1', '--max-clients', '2');
    const [idle, busy] = [await daemon.open(), await daemon.open()];
    expect((await idle.call('cuMemAlloc_v2', u64(2 ** 20))).status).toBe(0);
    for (let i = 0; i < 8; i += 1) {
      await sleep(250);
      expect((await busy.call('cuCtxSynchronize')).status).toBe(0);
    }
    await until(() => daemon.logged(/asked for nothing for 1 s \(--idle-limit\)/), 'the log says so');
    expect((await executorStatus(daemon.url)).memoryInUseBytes).toBe(0);
    // Its place is somebody else's before it has noticed.
    expect((await (await daemon.open()).call('cuCtxSynchronize')).status).toBe(0);
    expect((await idle.call('cuMemGetInfo_v2')).status).toBe(CLIENT_TERMINATED);
    expect((await idle.call('cuCtxSynchronize')).status).toBe(CLIENT_TERMINATED);
  });

  it('end a client at the end of its lifetime, also one that is busy', async () => {
    daemon = await DaemonProcess.start('--client-lifetime', '1');
    const [quiet, busy] = [await daemon.open(), await daemon.open()];
    const module = await busy.call('vgpuModuleLoad', counted(ENDLESS));
    const kernel = await busy.call('cuModuleGetFunction', module.payload, counted('forever'));
    const launch = [kernel.payload, ...Array.from({ length: 6 }, () => u32(1)), u32(0), u64(0), counted('')];
    busy.send('vgpuLaunchKernel', Buffer.concat(launch), DEFERRED);
    await busy.ended();
    await until(() => daemon.logged(/connected for 1 s \(--client-lifetime\)/), 'the log says so');
    await until(() => daemon.workers().length === 1, 'the busy worker ends');
    expect((await quiet.call('cuCtxSynchronize')).status).toBe(CLIENT_TERMINATED);
    expect((await (await daemon.open()).call('cuCtxSynchronize')).status).toBe(0);
  });
});
