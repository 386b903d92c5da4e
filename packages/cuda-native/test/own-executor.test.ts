// The executor that a process starts for itself, until it has died too often. Its driver is the guest library, whose executor has
// the software GPU.
import { chmodSync, mkdtempSync, readlinkSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Executor, executorStatus } from '@vgpu/executor';
import { guestLibrary } from '@vgpu/preload-shim';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createSession, type SessionOptions } from '../src/index.js';
import { isolate } from '../src/isolation.js';
import { operations } from './operations.js';
import { rejection, type Shape } from './support.js';

process.env.VGPU_CONNECT_TIMEOUT_MS = '60000';

const folder = mkdtempSync(join(tmpdir(), 'vgpu-own-executor-'));
let gpu: Executor;

beforeAll(async () => {
  gpu = await Executor.start({ gpu: 'software' });
  const binary = join(folder, 'executor');
  const daemon = readlinkSync(`/proc/${gpu.pid}/exe`);
  const driver = `--driver '${guestLibrary().library}' --allow-guest-driver`;
  writeFileSync(binary, `#!/bin/sh\nVGPU_EXECUTOR='${gpu.url}' exec '${daemon}' "$@" ${driver}\n`);
  chmodSync(binary, 0o755);
  process.env.VGPU_EXECUTOR_BINARY = binary;
  delete process.env.VGPU_EXECUTOR;
});
afterAll(async () => {
  await gpu?.stop();
  rmSync(folder, { recursive: true });
});

const shape: Shape = { count: 500, seed: 7, offset: 0, shared: false, spread: 'many', special: false };
/** As many deaths as an executor survives within a minute. */
const survivedDeaths = 5;

it('is started by the next session where it could not be', async () => {
  const binary = process.env.VGPU_EXECUTOR_BINARY;
  process.env.VGPU_EXECUTOR_BINARY = join(folder, 'nothing');
  expect(await rejection(createSession({ isolation: 'process' }))).toMatchObject({
    code: 'ERR_VGPU_COMPUTE_ISOLATION',
  });
  process.env.VGPU_EXECUTOR_BINARY = binary;
  await using session = await createSession({ isolation: 'process' });
  expect(await session.sum(new Float32Array([1, 2]))).toMatchObject({ value: 3, device: 'software-gpu' });
});

it('is on its way back after a death, and gone after too many', { timeout: 120_000 }, async () => {
  const lines: string[] = [];
  const options: SessionOptions = { isolation: 'process', log: (line) => lines.push(line) };
  await using session = await createSession(options);
  const sum = () => session.sum(new Float32Array([1, 2]));
  const running = { value: 3, device: 'software-gpu', reason: null };
  expect(await sum()).toMatchObject(running);

  const isolation = await isolate(undefined, undefined);
  if ('kind' in isolation) throw new Error(isolation.name);
  const daemon = async () => (await executorStatus(isolation.executor)).processId;
  for (let deaths = 0; deaths < survivedDeaths; deaths++) {
    // It ends as if it had been told to, which leaves nothing behind.
    process.kill(await daemon(), 'SIGTERM');
    await expect.poll(sum, { timeout: 20_000 }).toMatchObject({ value: 3, device: 'cpu' });
    expect(session.breaker?.isPermanent).toBe(false);
    await expect.poll(sum, { timeout: 20_000 }).toMatchObject(running);
  }
  process.kill(await daemon(), 'SIGTERM');
  const dead = { kind: 'gone', code: 'executor-dead', name: 'executor is dead' };
  await expect.poll(sum, { timeout: 20_000 }).toMatchObject({ value: 3, device: 'cpu', reason: dead });
  expect(session.breaker).toMatchObject({ status: 'open', isPermanent: true });
  expect(lines.at(-1)).toBe(
    'GPU failed (executor is dead, executor-dead). Falling back to CPU for remainder of session.',
  );

  await using next = await createSession({ ...options, log: () => {} });
  for (const { types, run } of operations) {
    expect(await run(next, types[0] ?? 'f32', shape)).toMatchObject({ device: 'cpu', reason: dead });
  }
  expect(await rejection(createSession({ ...options, device: 'gpu' }))).toMatchObject({
    code: 'ERR_VGPU_COMPUTE_GPU_UNAVAILABLE',
    message: expect.stringContaining('executor is dead'),
  });
});
