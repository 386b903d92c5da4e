// Many clients, one after the other and many at a time: nothing may be left over.
import { spawn } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { executorStatus } from '../src/index.js';
import { DaemonProcess, until } from './daemon-process.js';
import { counted, RawClient, u64 } from './raw-client.js';

interface Leftovers {
  descriptors: number;
  workers: number;
  residentKiB: number;
  deviceMemoryBytes: number;
}

const kibibytes = (pid: number): number =>
  Number(readFileSync(`/proc/${pid}/status`, 'utf8').match(/VmRSS:\s+(\d+)/)?.[1]);

async function look(daemon: DaemonProcess): Promise<Leftovers> {
  await until(() => daemon.workers().length === 0, 'all clients have left');
  const { memoryInUseBytes } = await executorStatus(daemon.url);
  await until(() => daemon.workers().length === 0, 'all workers end');
  return {
    descriptors: daemon.openDescriptors(),
    workers: daemon.workers().length,
    residentKiB: kibibytes(daemon.pid),
    deviceMemoryBytes: memoryInUseBytes,
  };
}

async function rawClient(daemon: DaemonProcess, number: number): Promise<void> {
  const client = await RawClient.open(daemon.socketPath);
  const { status, payload } = await client.call('cuMemAlloc_v2', u64(1 << 20));
  if (status !== 0) throw new Error(`client ${number}: cuMemAlloc_v2 gave ${status}`);
  const address = payload.readBigUInt64LE();
  await client.call('vgpuCopyToDevice', u64(address), counted(Buffer.alloc(4096, number)), u64(4096), u64(0));
  if (number % 3 !== 0) await client.call('vgpuMemFree', u64(address));
  client.close();
}

function program(daemon: DaemonProcess, command: readonly string[]): Promise<void> {
  const [path = '', ...args] = command;
  return new Promise((resolve, reject) => {
    const child = spawn(path, args, { stdio: 'ignore', env: { ...process.env, VGPU_EXECUTOR: daemon.url } });
    child.once('error', reject);
    child.once('exit', (code, signal) =>
      code === 0 ? resolve() : reject(new Error(`${path} ended with ${signal ?? code}`)),
    );
  });
}

/** Runs `command` as each client, with VGPU_EXECUTOR set; without one, a client that speaks the protocol by itself. */
export async function soak(clients: number, atATime: number, command: readonly string[] = []) {
  const daemon = await DaemonProcess.start('--memory', '1G');
  const sharedBefore = readdirSync('/dev/shm').length;
  const one = (number: number) => (command.length > 0 ? program(daemon, command) : rawClient(daemon, number));
  try {
    for (let i = 0; i < 20; i += 1) await one(i);
    const before = await look(daemon);
    const begin = performance.now();
    for (let i = 0; i < clients; i += 1) await one(i);
    const middle = performance.now();
    for (let i = 0; i < clients; i += atATime) {
      await Promise.all(Array.from({ length: Math.min(atATime, clients - i) }, (_, k) => one(i + k)));
    }
    const seconds = { oneByOne: (middle - begin) / 1000, together: (performance.now() - middle) / 1000 };
    const after = await look(daemon);
    return {
      clients,
      atATime,
      seconds,
      before,
      after,
      sharedFiles: readdirSync('/dev/shm').length - sharedBefore,
    };
  } finally {
    await daemon.stop();
  }
}

/** What is left over, in words; a daemon's memory may settle, but not grow with its clients. */
export function leftovers({ before, after, sharedFiles }: Awaited<ReturnType<typeof soak>>): string[] {
  const grown = after.residentKiB - before.residentKiB;
  return [
    ...(after.descriptors > before.descriptors
      ? [`${after.descriptors - before.descriptors} descriptors`]
      : []),
    ...(after.workers > 0 ? [`${after.workers} workers`] : []),
    ...(after.deviceMemoryBytes > 0 ? [`${after.deviceMemoryBytes} bytes of device memory`] : []),
    ...(sharedFiles > 0 ? [`${sharedFiles} files in /dev/shm`] : []),
    ...(grown > 1024 ? [`${grown} KiB of the daemon's memory`] : []),
  ];
}
