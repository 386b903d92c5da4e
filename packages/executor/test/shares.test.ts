// What each client gets of the processors while several compute: counted in kernels, not in time.
import { readdirSync } from 'node:fs';
import { afterEach, describe, expect, it } from 'vitest';
import { type ClientStatus, executorStatus } from '../src/index.js';
import { DaemonProcess } from './daemon-process.js';
import { counted, DEFERRED, RawClient, u32, u64 } from './raw-client.js';

const TEST_TIMEOUT_MS = 60_000;

// Some milliseconds for one thread.
const MODULE = `
.version 7.0
.target sm_75
.address_size 64
.visible .entry count(.param .u32 times)
{
  .reg .b32 %r<3>;
  .reg .pred %p<2>;
  ld.param.u32 %r1, [times];
  mov.u32 %r2, 0;
LOOP:
  add.u32 %r2, %r2, 1;
  setp.lt.u32 %p1, %r2, %r1;
  @%p1 bra LOOP;
  ret;
}
`;

let daemon: DaemonProcess;
let pumping: Promise<void>[] = [];
let stopped = false;

/** A client that launches kernels of so many rounds on so many blocks, one behind the other, until the test ends. */
async function pump(program: string, rounds: number, blocks: number): Promise<void> {
  const client = await RawClient.open(daemon.socketPath, program);
  const module = await client.call('vgpuModuleLoad', counted(MODULE));
  const kernel = await client.call('cuModuleGetFunction', module.payload, counted('count'));
  const grid = [u32(blocks), u32(1), u32(1), u32(32), u32(1), u32(1), u32(0)];
  const launch = Buffer.concat([kernel.payload, ...grid, u64(0), counted(u32(rounds))]);
  pumping.push(
    (async () => {
      while (!stopped) {
        for (let i = 0; i < 8; i += 1) client.send('vgpuLaunchKernel', launch, DEFERRED);
        expect((await client.call('cuCtxSynchronize')).status).toBe(0);
      }
      client.close();
    })(),
  );
}

const clientsByName = async (): Promise<Map<string, ClientStatus>> =>
  new Map((await executorStatus(daemon.url)).clients.map((client) => [client.program, client]));

/** How many kernels each has finished since now, once all together have finished so many. */
async function finished(names: readonly string[], together: number): Promise<number[]> {
  const before = await clientsByName();
  const counts = (now: ReadonlyMap<string, ClientStatus>) =>
    names.map((name) => (now.get(name)?.kernels ?? 0) - (before.get(name)?.kernels ?? 0));
  let result: number[] = [];
  await expect
    .poll(
      async () => {
        result = counts(await clientsByName());
        return result.reduce((sum, count) => sum + count, 0);
      },
      { timeout: TEST_TIMEOUT_MS / 2, interval: 50 },
    )
    .toBeGreaterThanOrEqual(together);
  return result;
}

afterEach(async () => {
  stopped = true;
  await Promise.all(pumping);
  pumping = [];
  stopped = false;
  await daemon.stop('SIGKILL');
});

// Tried again because the system may give the processors to other work just while one of the two computes.
describe('clients that launch all the time', { timeout: TEST_TIMEOUT_MS, retry: 2 }, () => {
  it('get equal shares: of two none gets more than twice what the other gets', async () => {
    daemon = await DaemonProcess.start();
    await pump('first', 20_000, 4);
    await pump('second', 20_000, 4);
    const [first = 0, second = 0] = await finished(['first', 'second'], 300);
    process.stderr.write(`shares of two equal clients: ${first} and ${second} kernels\n`);
    expect(Math.max(first, second)).toBeLessThan(2 * Math.min(first, second));
  });

  it('are not held up by long kernels: who launches short ones beside goes on', async () => {
    daemon = await DaemonProcess.start();
    await pump('long', 2_000_000, 4);
    await pump('short', 20_000, 4);
    const [long = 0, short = 0] = await finished(['long', 'short'], 100);
    process.stderr.write(`beside a client of long kernels: ${short} short and ${long} long kernels\n`);
    expect(short).toBeGreaterThan(50);
    const client = (await clientsByName()).get('long');
    expect(client?.busyMilliseconds).toBeGreaterThan(0);
  });

  it('are all counted as busy', async () => {
    daemon = await DaemonProcess.start();
    await pump('only', 20_000, 4);
    const before = (await clientsByName()).get('only')?.busyMilliseconds ?? 0;
    await finished(['only'], 50);
    expect((await clientsByName()).get('only')?.busyMilliseconds).toBeGreaterThan(before);
  });
});

describe('--client-fraction', { timeout: TEST_TIMEOUT_MS }, () => {
  /** Threads of the worker that serves the client. */
  const threads = async (name: string): Promise<number> => {
    const worker = (await clientsByName()).get(name)?.workerProcessId;
    return readdirSync(`/proc/${worker}/task`).length;
  };

  it('gives each client that part of the threads, and no more however long it computes', async () => {
    const threadsWith = async (fraction: string): Promise<number> => {
      daemon = await DaemonProcess.start('--threads', '8', '--client-fraction', fraction);
      await pump('client', 20_000, 64);
      await finished(['client'], 20);
      return await threads('client');
    };
    const all = await threadsWith('1');
    stopped = true;
    await Promise.all(pumping);
    stopped = false;
    await daemon.stop('SIGKILL');
    // Of 8 threads 6 are missing.
    expect(await threadsWith('0.25')).toBe(all - 6);
  });
});
