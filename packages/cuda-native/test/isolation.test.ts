// Whom a session kills when its worker hangs: that worker, and nobody else on this machine.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import type { ClientStatus } from '@vgpu/executor';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { isolate } from '../src/isolation.js';

const status = vi.hoisted(() => ({ processId: 0, clients: [] as Partial<ClientStatus>[] }));
vi.mock('@vgpu/executor', () => ({ executorStatus: async () => status }));

let other: ChildProcess;
beforeEach(async () => {
  other = spawn('cat', { stdio: ['pipe', 'ignore', 'ignore'] });
  await once(other, 'spawn');
});
afterEach(async () => {
  if (other.exitCode === null && other.signalCode === null) {
    const exit = once(other, 'exit');
    other.kill('SIGKILL');
    await exit;
  }
});

async function killWorker(): Promise<void> {
  const isolation = await isolate('libcuda.so', 'unix:/nowhere');
  if (!('killWorker' in isolation)) throw new Error('no isolation');
  await isolation.killWorker();
}

/** `cat` ends like this where nobody kills it. */
async function ended(): Promise<unknown[]> {
  const exit = once(other, 'exit');
  other.stdin?.end();
  return exit;
}

it('kills the worker of an executor on this machine', async () => {
  const client = { processId: process.pid, userId: process.getuid?.() ?? 0 };
  Object.assign(status, { processId: process.pid, clients: [{ ...client, workerProcessId: other.pid }] });
  const exit = once(other, 'exit');
  await killWorker();
  expect(await exit).toEqual([null, 'SIGKILL']);
});

it('leaves a process alone that has the number of a worker on another machine', async () => {
  const client = { processId: process.pid, address: 'tcp:192.0.2.1:40000', workerProcessId: other.pid };
  Object.assign(status, { processId: process.pid, clients: [client] });
  await killWorker();
  expect(await ended()).toEqual([0, null]);
});

it('leaves a process alone that is no child of the executor', async () => {
  const client = { processId: process.pid, userId: process.getuid?.() ?? 0, workerProcessId: other.pid };
  Object.assign(status, { processId: process.ppid, clients: [client] });
  await killWorker();
  expect(await ended()).toEqual([0, null]);
});

it('leaves the workers of other clients alone', async () => {
  const client = { processId: process.ppid, userId: process.getuid?.() ?? 0, workerProcessId: other.pid };
  Object.assign(status, { processId: process.pid, clients: [client] });
  await killWorker();
  expect(await ended()).toEqual([0, null]);
});
