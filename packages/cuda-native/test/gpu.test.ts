// The GPU path beside the CPU path: the same bits, or as near as is promised.
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { type Executor, executorStatus } from '@vgpu/executor';
import { Telemetry, type TelemetryRecord } from '@vgpu/resilience';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type ComputeSession, createSession } from '../src/index.js';
import { native } from '../src/native.js';
import { type BothPaths, closeBothPaths, openBothPaths } from './both-paths.js';
import { difference, operations } from './operations.js';
import { type Shape, shapes } from './support.js';
import { gpuDevice } from './test-gpu.js';

let paths: BothPaths;
let executor: Executor;
let cpu: ComputeSession;
let gpu: ComputeSession;

beforeAll(async () => {
  paths = await openBothPaths();
  ({ executor, cpu, gpu } = paths);
});

afterAll(() => closeBothPaths(paths));

const integers = new Set(['i32', 'u32', 'i64', 'u64']);

/** Of the addon's functions, those that compute nothing. */
const apart = new Set(['Gpu', 'multiplier', 'preferLargePages']);

/** Longer ones are a test of their own: on the software GPU they take their time. */
const mostElements = 70_000;

it.each(operations)(
  '$name',
  { timeout: 120_000 },
  async ({ types, run, tolerance = 0, needsElements = false }) => {
    const arrays = shapes.filter(({ count }) => count <= mostElements && (count > 0 || !needsElements));
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...types), arrays, async (type, shape) => {
        const [here, there] = [await run(cpu, type, shape), await run(gpu, type, shape)];
        expect(there).toMatchObject({ device: gpuDevice, reason: null, attempts: 1 });
        expect(difference(integers.has(type) ? 0 : tolerance, here.value, there.value)).toBeNull();
      }),
      // Each type about twice.
      { numRuns: 12 },
    );
  },
);

it('has all that the CPU path has', () => {
  const addon = native();
  const all = Object.entries(addon).filter(
    ([name, value]) => typeof value === 'function' && !apart.has(name),
  );
  const missing = all.map(([name]) => name).filter((name) => !(name in addon.Gpu.prototype));
  expect(all.length).toBeGreaterThan(30);
  expect(missing).toEqual([]);
});

it('nothing at all', async () => {
  for (const { name, types, run, needsElements = false } of operations) {
    if (needsElements) continue;
    for (const type of types) {
      const shape: Shape = { count: 0, seed: 2, offset: 0, shared: false, spread: 'few', special: false };
      const [here, there] = [await run(cpu, type, shape), await run(gpu, type, shape)];
      expect(difference(0, here.value, there.value), `${name} of ${type}`).toBeNull();
    }
  }
});

it('a system without right sides', async () => {
  const a = { data: new Float64Array([2, 0, 0, 2]), rows: 2, columns: 2 };
  const singular = { ...a, data: new Float64Array(4) };
  const none = { data: new Float64Array(0), rows: 2, columns: 0 };
  for (const session of [cpu, gpu]) {
    expect((await session.solve(a, none)).value).toMatchObject({ rows: 2, columns: 0 });
    await expect(session.solve(singular, none)).rejects.toMatchObject({ code: 'ERR_VGPU_COMPUTE_SINGULAR' });
  }
});

/** Several pieces through both lanes, and a last one that is shorter. */
const long: Shape = {
  count: 2_500_001,
  seed: 5,
  offset: 1,
  shared: false,
  spread: 'many',
  special: true,
};

it.each(operations.filter(({ name }) => ['add', 'sum', 'cast', 'histogram', 'min'].includes(name)))(
  '$name in several pieces',
  { timeout: 120_000 },
  async ({ run }) => {
    const [here, there] = [await run(cpu, 'f32', long), await run(gpu, 'f32', long)];
    expect(difference(0, here.value, there.value)).toBeNull();
  },
);

it('inputs as outputs', async () => {
  const x = Float64Array.from({ length: 1_200_000 }, (_, i) => Math.sin(i));
  const [here, there] = [x.slice(), x.slice()];
  for (const [session, array] of [
    [cpu, here],
    [gpu, there],
  ] as const) {
    await session.scale(array, 3, { out: array });
    await session.sort(array, { out: array, count: 100_000 });
    await session.inclusiveScan(array, { out: array, count: 10 });
  }
  expect(difference(1e-12, here, there)).toBeNull();
});

describe('memory', () => {
  it('is given back at the end of each operation, and to the driver when the session is closed', async () => {
    const keys = new Uint32Array(500_000);
    const session = await createSession({ device: 'gpu', isolation: 'process', executor: executor.url });
    await session.sort(keys);
    const [during] = (await executorStatus(executor.url)).clients;
    await session.close();
    const [after] = (await executorStatus(executor.url)).clients;
    expect((during?.memoryBytes ?? 0) - (after?.memoryBytes ?? 0)).toBeGreaterThanOrEqual(
      4 * 4 * keys.length,
    );
  });

  it('over memoryLimit: the operation goes to the CPU, the GPU stays', async () => {
    const lines: string[] = [];
    await using session = await createSession({
      device: 'gpu',
      isolation: 'process',
      executor: executor.url,
      memoryLimit: 3_000_000,
      log: (line) => lines.push(line),
    });
    const small = await session.sort(new Uint32Array(100_000));
    expect(small.device).toBe(gpuDevice);
    const large = await session.sort(new Uint32Array(300_000));
    expect(large).toMatchObject({ device: 'cpu', reason: { code: 2 }, attempts: 2 });
    expect(lines).toEqual([
      'GPU failed (CUDA_ERROR_OUT_OF_MEMORY, 2). Falling back to CPU for this operation.',
    ]);
    expect((await session.sort(new Uint32Array(100_000))).device).toBe(gpuDevice);
  });
});

it('mistakes are the caller’s on the GPU, too, and nothing is written', async () => {
  const x = new Int32Array([1, 2, 3, 4]);
  const out = new Int32Array(4).fill(9);
  const error = await gpu.div(x, new Int32Array([1, 1, 0, 1]), { out }).catch((caught) => caught);
  expect(error).toMatchObject({ code: 'ERR_VGPU_COMPUTE_DIVISION_BY_ZERO', values: { index: 2 } });
  expect([...out]).toEqual([9, 9, 9, 9]);
  const capacity = await gpu.sort(x, { count: 5 }).catch((caught) => caught);
  expect(capacity).toBeInstanceOf(RangeError);
  expect((await gpu.sum(x)).device).toBe(gpuDevice);
});

it('a signal stops what runs', async () => {
  const keys = Uint32Array.from({ length: 2_000_000 }, (_, i) => Math.imul(i, 2_654_435_761));
  const out = new Uint32Array(keys.length);
  // It may have ended before it is stopped: then it is stopped sooner.
  for (let [end, afterMs] = ['ended', 20]; end === 'ended'; afterMs /= 2) {
    const controller = new AbortController();
    const sorting = gpu.sort(keys, { out, signal: controller.signal });
    await new Promise((resolve) => setTimeout(resolve, afterMs));
    controller.abort(new Error('changed my mind'));
    end = await sorting.then(
      () => 'ended',
      (error: Error) => error.message,
    );
    expect(end).toBeOneOf(['ended', 'changed my mind']);
  }
  expect((await gpu.sum(new Int32Array([1, 2]))).value).toBe(3n);
});

it('more rows than a grid has blocks', { timeout: 120_000 }, async () => {
  // 65535 blocks of 32 rows, of 64 for products.
  const [rows, tall] = [65_536 * 32 + 1, 65_536 * 64 + 1];
  const a = Float32Array.from({ length: rows }, (_, i) => i);
  const turned = await gpu.transpose({ data: a, rows, columns: 1 });
  expect(turned.device).toBe(gpuDevice);
  expect(difference(0, a, turned.value.data)).toBeNull();
  const b = Float32Array.from({ length: tall }, (_, i) => i);
  const product = await gpu.matmul(
    { data: b, rows: tall, columns: 1 },
    { data: new Float32Array([2]), rows: 1, columns: 1 },
  );
  expect(
    difference(
      0,
      b.map((each) => 2 * each),
      product.value.data,
    ),
  ).toBeNull();
});

it('a thread that ends in the middle of operations takes nobody with it', async () => {
  for (let i = 0; i < 3; i++) {
    const worker = new Worker(new URL('thread-end-worker.mjs', import.meta.url), {
      workerData: { executor: executor.url },
    });
    await once(worker, 'message');
    await worker.terminate();
    expect((await gpu.sum(new Int32Array([1, 2]))).value).toBe(3n);
  }
});

it('telemetry says what the session has on the GPU', async () => {
  const records: TelemetryRecord[] = [];
  const telemetry = new Telemetry();
  telemetry.subscribe((record) => records.push(record));
  await using session = await createSession({ isolation: 'process', executor: executor.url, telemetry });
  await session.sort(new Uint32Array(1000));
  const { usedBytes = 0, cachedBytes = 0 } = session.gpuMemory ?? {};
  expect(usedBytes + cachedBytes).toBeGreaterThan(4000);
  await telemetry.close();
  const [run] = records.flatMap(({ gpu_metrics }) => gpu_metrics ?? []);
  expect(run).toMatchObject({ kernel_name: 'sort', memory_allocated_mb: (usedBytes + cachedBytes) / 1e6 });
});
