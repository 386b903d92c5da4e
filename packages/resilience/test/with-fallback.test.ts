import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import {
  BulkheadFullError,
  CircuitBreaker,
  conditionFault,
  DeadlineExceededError,
  driverFault,
  type Fault,
  FallbackSession,
  type FallbackSessionOptions,
  GpuError,
  InputsTouchedError,
  type OperationContext,
  ResilienceArgumentError,
  withFallback,
} from '../src/index.js';

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  expect(vi.getTimerCount()).toBe(0);
  vi.useRealTimers();
});

const out = driverFault(2);
const busy = driverFault(46);
const sticky = driverFault(700);

/** A GPU that answers with these faults, one after the other, and then works. */
function failing(...faults: Fault[]) {
  return vi.fn(async () => {
    const fault = faults.shift();
    if (fault !== undefined) throw new GpuError(fault, 'kernel');
    return 'by the GPU';
  });
}

function operation(
  gpu: (context: OperationContext) => string | Promise<string>,
  inputsUntouched: boolean = true,
) {
  return { name: 'sort', gpu, cpu: vi.fn(async (_: OperationContext) => 'by the CPU'), inputsUntouched };
}

function session(options: FallbackSessionOptions = {}) {
  const lines: string[] = [];
  const made = new FallbackSession({ log: (line, level) => lines.push(`${level}: ${line}`), ...options });
  return { session: made, breaker: made.breaker, lines };
}

/** Lets all timers run that the call waits for. */
async function settled<Value>(promise: Promise<Value>): Promise<Value> {
  const result = promise.then(
    (value) => () => value,
    (error) => () => {
      throw error;
    },
  );
  await vi.runAllTimersAsync();
  return (await result)();
}

test('a GPU that works gives the result, and says so', async () => {
  const { session: own, lines } = session({ device: 'software-gpu' });
  const result = await withFallback(own, operation(failing()));
  expect(result).toEqual({ value: 'by the GPU', device: 'software-gpu', reason: null, attempts: 1 });
  expect(lines).toEqual([]);
});

// One row for each kind: how often the GPU is tried, who answers, what the breaker does, what the log says.
test.each([
  { fault: driverFault(1), attempts: 1, device: 'throws', status: 'closed', line: undefined },
  { fault: out, attempts: 2, device: 'cpu', status: 'closed', line: 'warn: … for this operation.' },
  {
    fault: driverFault(100),
    attempts: 1,
    device: 'cpu',
    status: 'open',
    line: 'info: … for remainder of session.',
  },
  { fault: busy, attempts: 4, device: 'cpu', status: 'closed', line: 'warn: … for this operation.' },
  { fault: sticky, attempts: 1, device: 'cpu', status: 'open', line: 'warn: … for remainder of session.' },
  {
    fault: conditionFault('off-the-bus'),
    attempts: 1,
    device: 'cpu',
    status: 'open',
    line: 'warn: … for remainder of session.',
  },
  {
    fault: driverFault(12345),
    attempts: 1,
    device: 'cpu',
    status: 'closed',
    line: 'warn: … for this operation.',
  },
])('$fault.kind: $device after $attempts attempts', async ({ fault, attempts, device, status, line }) => {
  const { session: own, breaker, lines } = session({ freeMemory: () => {} });
  const gpu = failing(...Array<Fault>(10).fill(fault));
  const run = settled(withFallback(own, operation(gpu)));
  if (device === 'throws') await expect(run).rejects.toMatchObject({ fault });
  else expect(await run).toEqual({ value: 'by the CPU', device, reason: fault, attempts });
  expect(gpu).toHaveBeenCalledTimes(attempts);
  expect(breaker.status).toBe(status);
  const start = `GPU failed (${fault.name}, ${fault.code}). Falling back to CPU`;
  expect(lines).toEqual(line === undefined ? [] : [line.replace('…', start)]);
});

test('what is no fault of the GPU is the caller’s, as it is', async () => {
  const { session: own, breaker, lines } = session();
  const mistake = new RangeError('9 items, capacity 8');
  const wrong = operation(async () => {
    throw mistake;
  });
  await expect(withFallback(own, wrong)).rejects.toBe(mistake);
  expect([breaker.status, lines.length, wrong.cpu.mock.calls.length]).toEqual(['closed', 0, 0]);
});

test('memory is freed once, then the GPU is tried again', async () => {
  const freeMemory = vi.fn();
  const { session: own, lines } = session({ freeMemory });
  const result = await withFallback(own, operation(failing(out)));
  expect(result).toMatchObject({ device: 'gpu', attempts: 2 });
  expect([freeMemory.mock.calls.length, lines.length]).toEqual([1, 0]);
});

test('memory that cannot be freed leads to the CPU', async () => {
  const freeMemory = () => {
    throw new Error('cannot');
  };
  const { session: own } = session({ freeMemory });
  expect(await withFallback(own, operation(failing(out)))).toMatchObject({
    device: 'cpu',
    reason: out,
    attempts: 1,
  });
  const strict = withFallback(own, operation(failing(out)), { fallback: 'never' });
  await expect(strict).rejects.toHaveProperty('cause.errors.1.message', 'cannot');
});

test('a fault that passes is retried after pauses that grow', async () => {
  const { session: own } = session({ retry: { initialDelayMs: 100 } });
  const started = Date.now();
  const result = await settled(withFallback(own, operation(failing(busy, busy))));
  expect(result).toMatchObject({ device: 'gpu', attempts: 3 });
  expect(Date.now() - started).toBeGreaterThan(0);
});

test('retries end with their time', async () => {
  const { session: own } = session({
    retry: { maximumRetries: 100, withinMs: 300 },
    breaker: new CircuitBreaker({ failureThreshold: 1000 }),
  });
  const gpu = failing(...Array<Fault>(1000).fill(busy));
  const started = Date.now();
  expect(await settled(withFallback(own, operation(gpu)))).toMatchObject({ device: 'cpu', reason: busy });
  expect(Date.now() - started).toBeLessThan(300 + 1000);
  expect(gpu.mock.calls.length).toBeGreaterThan(1);
});

test('retries end when the breaker opens', async () => {
  const { session: own, breaker } = session({ breaker: new CircuitBreaker({ failureThreshold: 2 }) });
  const result = await settled(withFallback(own, operation(failing(busy, busy, busy))));
  expect(result).toMatchObject({ device: 'cpu', attempts: 2 });
  // After all timers have run.
  expect(breaker.status).toBe('half-open');
});

test.each([out, busy, sticky])('inputs that were touched: no retry, no CPU ($name)', async (fault) => {
  const freeMemory = vi.fn();
  const { session: own, lines } = session({ freeMemory });
  const touched = operation(failing(fault), false);
  const run = settled(withFallback(own, touched));
  await expect(run).rejects.toBeInstanceOf(InputsTouchedError);
  await expect(run).rejects.toMatchObject({ cause: { fault } });
  expect([touched.cpu.mock.calls.length, freeMemory.mock.calls.length, lines.length]).toEqual([0, 0, 0]);
});

test('while the breaker is open the CPU takes operations that would touch their inputs, too', async () => {
  const { session: own, breaker } = session();
  breaker.failed(sticky);
  expect(await withFallback(own, operation(failing(), false))).toEqual({
    value: 'by the CPU',
    device: 'cpu',
    reason: sticky,
    attempts: 0,
  });
});

test('who forbids fallback gets the GPU’s own error, also later', async () => {
  const { session: own, breaker, lines } = session();
  const strict = { fallback: 'never' } as const;
  await expect(withFallback(own, operation(failing(sticky)), strict)).rejects.toMatchObject({
    fault: sticky,
  });
  const gpu = failing();
  await expect(withFallback(own, operation(gpu), strict)).rejects.toMatchObject({ fault: sticky });
  expect([gpu.mock.calls.length, lines.length, breaker.status]).toEqual([0, 0, 'open']);
});

test('one line per cause, then only a count', async () => {
  const { session: own, lines } = session();
  const counts: number[] = [];
  own.onFallback(({ count }) => counts.push(count));
  for (let round = 0; round < 3; round++) await withFallback(own, operation(failing(driverFault(12345))));
  for (let round = 0; round < 4; round++) await withFallback(own, operation(failing(sticky)));
  expect(lines).toEqual([
    'warn: GPU failed (CUresult 12345, 12345). Falling back to CPU for this operation.',
    'warn: GPU failed (CUDA_ERROR_ILLEGAL_ADDRESS, 700). Falling back to CPU for remainder of session.',
  ]);
  expect(counts).toEqual([1, 2, 3, 1, 2, 3, 4]);
  expect(own.causes().map(({ count, scope }) => [count, scope])).toEqual([
    [3, 'operation'],
    [4, 'session'],
  ]);
});

test('a breaker held open by hand is no failure', async () => {
  const { session: own, breaker, lines } = session();
  breaker.force('open');
  expect(await withFallback(own, operation(failing()))).toMatchObject({
    device: 'cpu',
    reason: { code: 'forced-open' },
  });
  expect(lines).toEqual([]);
});

test('a log or a listener that throws stops nothing', async () => {
  const own = new FallbackSession({
    log: () => {
      throw new Error('disk full');
    },
  });
  own.onFallback(() => {
    throw new Error('x');
  });
  expect(await withFallback(own, operation(failing(sticky)))).toMatchObject({ device: 'cpu' });
});

function isolated(probe: () => Promise<void>) {
  const breaker = new CircuitBreaker({ isolation: 'process' });
  return session({ breaker, probe });
}

test('isolated: a new worker, one probe, and the GPU is used again', async () => {
  const probe = vi.fn(async () => {});
  const { session: own, breaker, lines } = isolated(probe);
  expect(await withFallback(own, operation(failing(conditionFault('worker-died'))))).toMatchObject({
    device: 'cpu',
  });
  expect(await withFallback(own, operation(failing()))).toMatchObject({ device: 'cpu', attempts: 0 });
  vi.advanceTimersByTime(10_000);
  expect(await withFallback(own, operation(failing()))).toMatchObject({ device: 'gpu', attempts: 1 });
  expect([probe.mock.calls.length, breaker.status]).toEqual([1, 'closed']);
  expect(lines).toHaveLength(1);
});

test('isolated: an unknown error in the probe ends the use of the GPU', async () => {
  const { session: own, breaker } = isolated(async () => {
    throw new GpuError(driverFault(999));
  });
  breaker.failed(sticky);
  vi.advanceTimersByTime(10_000);
  const gpu = failing();
  expect(await withFallback(own, operation(gpu))).toMatchObject({ device: 'cpu' });
  expect([gpu.mock.calls.length, breaker.isPermanent]).toEqual([0, true]);
});

test.each([out, driverFault(1)])(
  'a probing operation that finds $name leaves the decision to the next',
  async (fault) => {
    const { session: own, breaker } = isolated(async () => {});
    breaker.failed(sticky);
    vi.advanceTimersByTime(10_000);
    await withFallback(own, operation(failing(fault))).catch(() => {});
    expect(breaker.status).toBe('half-open');
    expect(await withFallback(own, operation(failing()))).toMatchObject({ device: 'gpu' });
  },
);

const never = () => new Promise<string>(() => {});

test('an attempt that hangs is a dead context, and is told to stop', async () => {
  const { session: own, breaker } = session();
  let told: AbortSignal | undefined;
  const hanging = operation(({ signal }) => {
    told = signal;
    return never();
  });
  const result = await settled(withFallback(own, hanging, { hangAfterMs: 50 }));
  expect(result).toMatchObject({ device: 'cpu', reason: { code: 'hung' } });
  expect([told?.aborted, breaker.isPermanent]).toEqual([true, true]);
});

test('what ends in time leaves no timer and no listener behind', async () => {
  const { session: own } = session();
  const { signal } = new AbortController();
  const added = vi.spyOn(signal, 'addEventListener');
  const removed = vi.spyOn(signal, 'removeEventListener');
  await withFallback(own, operation(failing(sticky)), { signal, deadlineMs: 1000, hangAfterMs: 1000 });
  expect(vi.getTimerCount()).toBe(0);
  expect([added.mock.calls.length, removed.mock.calls.length]).toEqual([1, 1]);
});

test.each(['gpu', 'cpu'] as const)('a deadline ends a call whose %s path hangs', async (path) => {
  const { session: own } = session();
  const hanging = path === 'gpu' ? operation(never) : { ...operation(failing(sticky)), cpu: never };
  const run = settled(withFallback(own, hanging, { deadlineMs: 100 }));
  await expect(run).rejects.toBeInstanceOf(DeadlineExceededError);
});

test('an aborted call ends at once, also while it pauses, and does not go to the CPU', async () => {
  const { session: own } = session({ retry: { initialDelayMs: 1000 } });
  const controller = new AbortController();
  const busyOnce = operation(failing(busy));
  const run = withFallback(own, busyOnce, { signal: controller.signal });
  const outcome = expect(run).rejects.toThrow('enough');
  await vi.advanceTimersByTimeAsync(1);
  controller.abort(new Error('enough'));
  await outcome;
  await vi.runAllTimersAsync();
  expect([busyOnce.gpu, busyOnce.cpu].map((path) => vi.mocked(path).mock.calls.length)).toEqual([1, 0]);
});

test('a signal that is first looked at after the end is aborted', async () => {
  const { session: own } = session();
  let context: OperationContext | undefined;
  const hanging = operation((given) => {
    context = given;
    return never();
  });
  await expect(settled(withFallback(own, hanging, { deadlineMs: 5 }))).rejects.toThrow(DeadlineExceededError);
  expect(context?.signal.reason).toBeInstanceOf(DeadlineExceededError);
});

test('a call that waits for its turn can give up, and then starts nothing', async () => {
  const { session: own } = session({ bulkhead: { concurrent: 1, queued: 1 } });
  let release: (value: string) => void = () => {};
  const first = withFallback(
    own,
    operation(() => new Promise((resolve) => (release = resolve))),
  );
  const waiting = operation(failing());
  const controller = new AbortController();
  const second = withFallback(own, waiting, { signal: controller.signal });
  controller.abort(new Error('enough'));
  await expect(second).rejects.toThrow('enough');
  release('done');
  await first;
  await vi.runAllTimersAsync();
  expect([waiting.gpu, waiting.cpu].map((path) => vi.mocked(path).mock.calls.length)).toEqual([0, 0]);
});

test('a call that was aborted before starts nothing', async () => {
  const { session: own } = session();
  const gpu = failing();
  const run = withFallback(own, operation(gpu), { signal: AbortSignal.abort(new Error('enough')) });
  await expect(run).rejects.toThrow('enough');
  expect(gpu).not.toHaveBeenCalled();
});

test('an aborted probe leaves the place to the next', async () => {
  const { session: own, breaker } = isolated(async () => {});
  breaker.failed(sticky);
  vi.advanceTimersByTime(10_000);
  await expect(settled(withFallback(own, operation(never), { deadlineMs: 5 }))).rejects.toThrow(
    DeadlineExceededError,
  );
  expect(await withFallback(own, operation(failing()))).toMatchObject({ device: 'gpu' });
});

test('the bulkhead lets some run and some wait, and refuses the rest', async () => {
  const { session: own } = session({ bulkhead: { concurrent: 1, queued: 1 } });
  let release: (value: string) => void = () => {};
  const first = withFallback(
    own,
    operation(() => new Promise((resolve) => (release = resolve))),
  );
  const second = withFallback(own, operation(failing()));
  await expect(withFallback(own, operation(failing()))).rejects.toMatchObject({
    values: { operation: 'sort', concurrent: 1, queued: 1 },
  });
  await expect(withFallback(own, operation(failing()))).rejects.toBeInstanceOf(BulkheadFullError);
  release('done');
  expect([(await first).value, (await second).value]).toEqual(['done', 'by the GPU']);
});

test('numbers out of range are refused', async () => {
  expect(() => new FallbackSession({ bulkhead: { concurrent: 0, queued: 0 } })).toThrow(
    ResilienceArgumentError,
  );
  expect(() => new FallbackSession({ retry: { maximumRetries: -1 } })).toThrow(ResilienceArgumentError);
  expect(() => new FallbackSession({ retry: { initialDelayMs: 0 } })).toThrow(ResilienceArgumentError);
  const { session: own } = session();
  for (const wrong of [{ deadlineMs: 0 }, { hangAfterMs: Number.NaN }, { deadlineMs: 2 ** 31 }]) {
    await expect(withFallback(own, operation(failing()), wrong)).rejects.toThrow(ResilienceArgumentError);
  }
});
