// The session: devices, limits, aborts, telemetry, its end, worker threads.
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { isGpuError, Telemetry, type TelemetryRecord } from '@vgpu/resilience';
import { describe, expect, it } from 'vitest';
import { createSession } from '../src/index.js';
import { rejection } from './support.js';

const packageUrl = new URL('../dist/index.js', import.meta.url).href;

const noDriver = '/nonexistent/libcuda.so.1';

describe('where an operation runs', () => {
  it('cpu: there, and for no reason', async () => {
    await using session = await createSession({ device: 'cpu' });
    expect(await session.sum(new Float32Array([1, 2]))).toEqual({
      value: 3,
      device: 'cpu',
      reason: null,
      attempts: 0,
    });
  });

  it('auto, without a driver: on the CPU, and the result says why', async () => {
    await using session = await createSession({ driver: noDriver, log: () => undefined });
    expect(await session.sum(new Float32Array([1, 2]))).toMatchObject({
      value: 3,
      device: 'cpu',
      reason: { kind: 'absent', code: 'library-missing' },
    });
  });

  it('gpu, without a driver: an error', async () => {
    const error = await rejection(createSession({ device: 'gpu', driver: noDriver }));
    expect(error).toMatchObject({ code: 'ERR_VGPU_COMPUTE_GPU_UNAVAILABLE' });
    expect(error.remedy).toContain('cpu');
  });

  it('without fallback: the GPU’s own error, for the session or for one call', async () => {
    await using strict = await createSession({ fallback: 'never', driver: noDriver });
    const x = new Float32Array(4);
    expect(isGpuError(await strict.sum(x).catch((error: unknown) => error))).toBe(true);
    expect((await strict.sum(x, { fallback: 'allowed' })).value).toBe(0);
    await using lenient = await createSession({ driver: noDriver });
    expect(isGpuError(await lenient.sum(x, { fallback: 'never' }).catch((error: unknown) => error))).toBe(
      true,
    );
  });

  it('as an earlier session’s breaker was', async () => {
    await using first = await createSession({ driver: noDriver, log: () => undefined });
    first.breaker?.force('closed');
    const saved = JSON.parse(JSON.stringify(first.breaker?.save()));
    await using second = await createSession({ driver: noDriver, breaker: { saved }, log: () => undefined });
    expect(second.breaker?.save()).toEqual(saved);
    expect(second.breaker?.status).toBe('closed');
    // Nothing makes a GPU of none.
    const reason = { code: 'library-missing' };
    expect(await second.sum(new Float32Array([1, 2]))).toMatchObject({ value: 3, device: 'cpu', reason });
  });

  it('a breaker’s options that make no sense are refused', async () => {
    for (const breaker of [{ failureThreshold: 0 }, { halfOpenAfterMs: -1 }, { saved: 'closed' }]) {
      await expect(createSession({ breaker })).rejects.toMatchObject({
        code: expect.stringMatching(/^ERR_VGPU_RESILIENCE_(ARGUMENT|SAVED_STATE)$/),
      });
    }
  });

  it('options that make no sense are refused', async () => {
    for (const options of [
      { device: 'tpu' },
      { memoryLimit: -1 },
      { fallback: 'sometimes' },
      ...[0, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 31, '5'].map((hangAfterMs) => ({ hangAfterMs })),
      { isolation: 'much' },
    ]) {
      expect(await rejection(createSession(options as never))).toMatchObject({
        code: 'ERR_VGPU_COMPUTE_ARGUMENT',
      });
    }
  });
});

describe('memoryLimit', () => {
  it('is for what an operation takes beside its arrays, to the byte', async () => {
    const keys = new Uint32Array(1000);
    await using enough = await createSession({ device: 'cpu', memoryLimit: 2 * 8 * 1000 });
    await enough.sortPairs(keys, keys.slice());
    await using tight = await createSession({ device: 'cpu', memoryLimit: 2 * 8 * 1000 - 1 });
    const error = await rejection(tight.sortPairs(keys, keys.slice()));
    expect(error).toMatchObject({
      code: 'ERR_VGPU_COMPUTE_MEMORY_LIMIT',
      values: { needed: 16_000, memoryLimit: 15_999 },
    });
    // What needs no memory works.
    expect((await tight.sum(keys)).value).toBe(0n);
  });
});

describe('AbortSignal', () => {
  it('that is aborted already: nothing begins', async () => {
    await using session = await createSession({ device: 'cpu' });
    const out = new Float32Array(4);
    const signal = AbortSignal.abort(new Error('not wanted'));
    await expect(session.fill(out, 1, { signal })).rejects.toThrow('not wanted');
    expect([...out]).toEqual([0, 0, 0, 0]);
  });

  it('stops what runs, and rejects when nothing is written any more', async () => {
    await using session = await createSession({ device: 'cpu' });
    const out = new Float64Array(40_000_000);
    // On a busy machine it may have ended before it is stopped: then it tries again.
    for (let end = 'ended'; end === 'ended'; ) {
      out.fill(0);
      const controller = new AbortController();
      const filling = session.fill(out, 1, { signal: controller.signal });
      await new Promise((resolve) => setTimeout(resolve, 2));
      controller.abort(new Error('changed my mind'));
      end = await filling.then(
        () => 'ended',
        (error: Error) => error.message,
      );
      expect(end).toBeOneOf(['ended', 'changed my mind']);
    }
    const written = out.reduce((sum, element) => sum + element, 0);
    expect(written).toBeLessThan(out.length);
    expect(out.reduce((sum, element) => sum + element, 0)).toBe(written);
  });

  it('may have any reason', async () => {
    await using session = await createSession({ device: 'cpu' });
    const controller = new AbortController();
    const sorting = session.sort(new Float64Array(2_000_000), { signal: controller.signal });
    controller.abort(null);
    await expect(sorting).rejects.toBeNull();
  });

  it('stops what waits for its turn', async () => {
    await using session = await createSession({ device: 'cpu' });
    const x = new Float64Array(2_000_000);
    const controller = new AbortController();
    const running = [session.sort(x), session.sort(x), session.sort(x, { signal: controller.signal })];
    controller.abort(new Error('not wanted'));
    const ends = await Promise.allSettled(running);
    expect(ends.map((end) => end.status)).toEqual(['fulfilled', 'fulfilled', 'rejected']);
  });
});

it('the main thread stays free', async () => {
  await using session = await createSession({ device: 'cpu' });
  const x = Float64Array.from({ length: 4_000_000 }, (_, i) => Math.sin(i));
  let ticks = 0;
  const timer = setInterval(() => {
    ticks += 1;
  }, 1);
  await session.sort(x);
  clearInterval(timer);
  // Were it busy itself, there would be none; how many there are is up to the machine.
  expect(ticks).toBeGreaterThan(0);
});

it('many operations at once all end, and as they should', async () => {
  await using session = await createSession({ device: 'cpu' });
  const all = Array.from({ length: 200 }, async (_, i) => {
    const x = new Int32Array(1 + i * 700).fill(i);
    if (i % 7 === 0) return rejection(session.sum(x, { count: x.length + 1 }));
    return expect((await session.sum(x)).value).toBe(BigInt(i) * BigInt(x.length));
  });
  await Promise.all(all);
});

describe('telemetry', () => {
  it('has a record for each operation, with what is known', async () => {
    const records: TelemetryRecord[] = [];
    const sink = {
      name: 'list',
      write: (batch: readonly TelemetryRecord[]) => records.push(...batch) && batch.length,
    };
    const telemetry = new Telemetry({ sinks: [sink] });
    {
      await using session = await createSession({ telemetry, driver: noDriver });
      await session.sort(new Uint32Array(1000));
      await session.div(new Int32Array(1), new Int32Array(1)).catch(() => undefined);
    }
    await telemetry.close();
    const kernels = records.filter((record) => record.gpu_metrics !== null);
    expect(kernels.map((record) => record.gpu_metrics)).toMatchObject([
      { kernel_name: 'sort', memory_peak_mb: 0.008, error_count: 0, gpu_utilization_percent: null },
      { kernel_name: 'div', memory_peak_mb: null, error_count: 1 },
    ]);
    expect(kernels[0]?.gpu_metrics?.execution_time_us).toBeGreaterThan(0);
    const fallbacks = records.filter((record) => record.metadata.event === 'fallback');
    expect(fallbacks.map((record) => record.metadata.operation)).toEqual(['sort', 'div']);
  });

  it('says whether an operation took unusually long beside those with arrays of its size', async () => {
    const records: TelemetryRecord[] = [];
    const sink = {
      name: 'list',
      write: (batch: readonly TelemetryRecord[]) => records.push(...batch) && batch.length,
    };
    const telemetry = new Telemetry({ sinks: [sink] });
    {
      await using session = await createSession({ telemetry, device: 'cpu' });
      for (let i = 0; i < 25; i++) await session.sum(new Float64Array(1000));
      await session.sum(new Float64Array(1_000_000));
    }
    await telemetry.close();
    const told = records.map(({ gpu_metrics: metrics, metadata }) => [
      metadata.array_bytes,
      typeof metrics?.performance_anomaly,
    ]);
    expect(told).toEqual([
      ...Array.from({ length: 20 }, () => [8000, 'object']),
      ...Array.from({ length: 5 }, () => [8000, 'boolean']),
      [8_000_000, 'object'],
    ]);
  });
});

describe('the end of a session', () => {
  it('waits for what is under way, and refuses what comes later', async () => {
    const session = await createSession({ device: 'cpu' });
    let done = false;
    const sorting = session.sort(new Float64Array(1_000_000)).then(() => {
      done = true;
    });
    await session.close();
    expect(done).toBe(true);
    await sorting;
    expect(await rejection(session.sum(new Float32Array(1)))).toMatchObject({
      code: 'ERR_VGPU_COMPUTE_CLOSED',
    });
    await session.close();
  });
});

describe('worker threads', () => {
  const script = `
    import { workerData, parentPort } from 'node:worker_threads';
    import { createSession } from ${JSON.stringify(packageUrl)};
    const session = await createSession({ device: 'cpu' });
    const x = new Float32Array(workerData);
    parentPort.postMessage((await session.sum(x)).value);
    void session.sort(x);`;
  const start = (data: SharedArrayBuffer) =>
    new Worker(new URL(`data:text/javascript,${encodeURIComponent(script)}`), { workerData: data });

  it('share memory and end while an operation runs', async () => {
    const shared = new SharedArrayBuffer(4 * 3_000_000);
    new Float32Array(shared).fill(2);
    const workers = [start(shared), start(shared), start(shared)];
    await Promise.all(
      workers.map(async (worker) => {
        const [sum] = await once(worker, 'message');
        expect(sum).toBe(6_000_000);
        await worker.terminate();
      }),
    );
  });
});

it('garbage that an operation still uses is not collected', async () => {
  await using session = await createSession({ device: 'cpu' });
  const sums = Array.from({ length: 50 }, (_, i) => session.sum(new Float64Array(200_000).fill(i)));
  globalThis.gc?.();
  const results = await Promise.all(sums);
  expect(results.map((result) => result.value)).toEqual(results.map((_, i) => i * 200_000));
});
