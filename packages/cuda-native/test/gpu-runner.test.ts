// What waits for the GPU: for its turn, for a new worker, for a driver that hangs.
import { conditionFault } from '@vgpu/resilience';
import { expect, it } from 'vitest';
import type { NativeResult } from '../src/calls.js';
import type { OpenGpu } from '../src/gpu.js';
import { type BreakerOptions, GpuRunner, sessionBreaker } from '../src/gpu-runner.js';
import type { Gpu } from '../src/native.js';

const result: NativeResult = { value: undefined, memoryBytes: 0, arrayBytes: 0 };
const options = { fallback: 'allowed', hangAfterMs: 60_000 } as const;
const never = () => new Promise<NativeResult>(() => {});

/** Whose worker has died when `fault` says so; a new one is there at once. */
function runnerWith(fault: OpenGpu['fault'], options: BreakerOptions = {}): GpuRunner {
  const engine = {
    deviceName: () => 'GPU',
    reopen: async () => result,
    xids: () => [],
  } satisfies Partial<Gpu>;
  const isolation = { library: '', executor: '', killWorker: () => {}, workersKilled: async () => {} };
  const gpu = { engine: engine as unknown as Gpu, fault, isolation };
  return new GpuRunner(gpu, sessionBreaker('process', options), options, () => {});
}

const timers = () => process.getActiveResourcesInfo().filter((resource) => resource === 'Timeout').length;

it('waiting for a new worker keeps the process alive', async () => {
  const runner = runnerWith(conditionFault('worker-died'));
  const before = timers();
  const running = runner.run({ name: 'sum', gpu: async () => result, cpu: never }, options, undefined);
  expect(timers()).toBeGreaterThan(before);
  expect(await running).toMatchObject({ device: 'gpu', reason: null });
});

it('a breaker that is to stay open for a while sends operations to the CPU meanwhile', async () => {
  const runner = runnerWith(conditionFault('worker-died'), { halfOpenAfterMs: 300 });
  const run = () =>
    runner.run({ name: 'sum', gpu: async () => result, cpu: async () => result }, options, undefined);
  expect(await run()).toMatchObject({ device: 'cpu', reason: { code: 'worker-died' } });
  await expect.poll(run, { timeout: 20_000 }).toMatchObject({ device: 'gpu', reason: null });
});

it('a breaker that is held open by hand meanwhile ends the waiting', async () => {
  const runner = runnerWith(conditionFault('worker-died'));
  const running = runner.run({ name: 'sum', gpu: never, cpu: async () => result }, options, undefined);
  runner.session.breaker.force('open');
  expect(await running).toMatchObject({ device: 'cpu', reason: { code: 'worker-died' } });
});

it('a signal ends the waiting behind operations that hang, and leaves the turn to the next', async () => {
  const runner = runnerWith(null);
  const ends: (() => void)[] = [];
  const slow = () => new Promise<NativeResult>((resolve) => ends.push(() => resolve(result)));
  const run = (name: string, gpu: () => Promise<NativeResult>, signal?: AbortSignal) =>
    runner.run({ name, gpu, cpu: never }, options, signal);
  const running = [run('first', slow), run('second', slow)];
  const controller = new AbortController();
  const waiting = run('third', never, controller.signal);
  const next = run('fourth', async () => result);
  controller.abort(new Error('not wanted'));
  await expect(waiting).rejects.toThrow('not wanted');
  for (const end of ends) end();
  for (const each of [...running, next]) expect(await each).toMatchObject({ device: 'gpu' });
  await expect(run('late', never, controller.signal)).rejects.toThrow('not wanted');
});
