import { expect, test } from 'vitest';
import {
  CircuitBreaker,
  conditionFault,
  driverFault,
  encodeRecord,
  eventRecord,
  FallbackSession,
  GpuError,
  kernelRecord,
  openTelemetrySink,
  parseRecord,
  PrometheusSink,
  ResilienceArgumentError,
  ResilienceError,
  reportSession,
  Telemetry,
  type TelemetryRecord,
  type TelemetrySink,
  withFallback,
} from '../src/index.js';

const record = (index: number): TelemetryRecord =>
  kernelRecord(
    { component: 'test', message: `run ${index}` },
    { kernel_name: 'sort', execution_time_us: index },
  );

/** Keeps everything, in memory. */
function memorySink(): TelemetrySink & { readonly records: TelemetryRecord[] } {
  const records: TelemetryRecord[] = [];
  return {
    name: 'memory',
    records,
    write: (batch) => records.push(...batch) - records.length + batch.length,
  };
}

const drops = (records: readonly TelemetryRecord[]): number =>
  records.reduce((sum, { metadata }) => sum + Number(metadata.dropped ?? 0), 0);

/** written + dropped = produced, for every sink. */
function expectNothingLost(telemetry: Telemetry): void {
  for (const { produced, written, dropped, pending } of telemetry.statistics()) {
    expect(pending).toBe(0);
    expect(written + dropped).toBe(produced);
  }
}

test('records arrive in order, and not before the producer goes on', async () => {
  const sink = memorySink();
  const telemetry = new Telemetry({ sinks: [sink] });
  for (let index = 0; index < 1000; index++) telemetry.emit(record(index));
  expect(sink.records).toEqual([]);
  expect(await telemetry.flush()).toBe(true);
  expect(sink.records.map(({ message }) => message)).toEqual(
    Array.from({ length: 1000 }, (_, index) => `run ${index}`),
  );
});

test('what does not fit is dropped, counted, and reported to the sink itself', async () => {
  const sink = memorySink();
  const telemetry = new Telemetry({ sinks: [sink], capacity: 10 });
  for (let index = 0; index < 25; index++) telemetry.emit(record(index));
  await telemetry.flush();
  expect(telemetry.statistics()).toMatchObject([{ produced: 25, written: 10, dropped: 15, pending: 0 }]);
  expect(sink.records).toHaveLength(11);
  expect(sink.records.at(-1)?.metadata).toEqual({
    event: 'telemetry-dropped',
    sink: 'memory',
    dropped: 15,
    total: 15,
  });
});

test('under load, with sinks that throw, fail at times, and hang, and a listener that calls back', async () => {
  const total = 100_000;
  const good = memorySink();
  const throwing: TelemetrySink = {
    name: 'throwing',
    write: () => {
      throw new Error('sink');
    },
  };
  let calls = 0;
  const sometimes = memorySink();
  const flaky: TelemetrySink = {
    name: 'flaky',
    write: async (batch) => {
      calls += 1;
      if (calls % 3 === 0) throw new Error('sink');
      return sometimes.write(calls % 3 === 1 ? batch : batch.slice(0, -1));
    },
  };
  const hanging: TelemetrySink = { name: 'hanging', write: () => new Promise(() => {}) };
  const telemetry = new Telemetry({ sinks: [good, throwing, flaky], capacity: 1000 });
  const stuck = new Telemetry({ sinks: [hanging], capacity: 1000 });
  let answers = 0;
  telemetry.subscribe(() => {
    if (answers < 5000) {
      answers += 1;
      telemetry.emit(eventRecord({ component: 'listener', message: 'from the listener' }));
      void telemetry.flush();
      telemetry.subscribe(() => {}).dispose();
    }
    throw new Error('listener');
  });

  for (let index = 0; index < total; index++) {
    telemetry.emit(record(index));
    stuck.emit(record(index));
    if (index % 500 === 0) await new Promise((resolve) => setImmediate(resolve));
  }
  while (telemetry.statistics().some(({ pending }) => pending > 0)) await telemetry.flush();
  await telemetry.flush();

  expectNothingLost(telemetry);
  const [ofGood, ofThrowing, ofFlaky, ofListener] = telemetry.statistics();
  expect(ofGood?.produced).toBe(total + answers);
  expect(answers).toBe(5000);
  const kept = (records: readonly TelemetryRecord[]) =>
    records.filter(({ component }) => component !== 'telemetry').length;
  expect(kept(good.records)).toBe(ofGood?.written);
  expect(drops(good.records)).toBe(ofGood?.dropped);
  expect(ofThrowing).toMatchObject({ written: 0, lastError: 'sink' });
  expect(kept(sometimes.records)).toBe(ofFlaky?.written);
  expect(ofFlaky?.failures).toBeGreaterThan(0);
  expect(ofListener?.written).toBe(0);

  expect(stuck.statistics()).toMatchObject([{ produced: total, written: 0 }]);
  expect(stuck.statistics()[0]?.pending).toBeLessThanOrEqual(1000 + 256);
  expect(await stuck.flush(20)).toBe(false);
}, 60_000);

test('a listener that answers each record with another does not stop the program', async () => {
  const telemetry = new Telemetry();
  let seen = 0;
  const subscription = telemetry.subscribe((heard) => {
    seen += 1;
    telemetry.emit(heard);
  });
  telemetry.emit(record(0));
  // The program goes on in between: otherwise this would never end.
  while (seen < 10) await new Promise((resolve) => setTimeout(resolve, 1));
  subscription.dispose();
  const atEnd = seen;
  await new Promise((resolve) => setTimeout(resolve, 10));
  expect(seen).toBe(atEnd);
});

test('a sink is never called again before its last call has ended', async () => {
  let inside = 0;
  let most = 0;
  let fails = true;
  const slow: TelemetrySink = {
    name: 'slow',
    write: async (batch) => {
      inside += 1;
      most = Math.max(most, inside);
      await new Promise((resolve) => setTimeout(resolve, 2));
      inside -= 1;
      return fails ? 0 : batch.length;
    },
  };
  const telemetry = new Telemetry({ sinks: [slow], capacity: 5 });
  for (let round = 0; round < 10; round++) {
    for (let index = 0; index < 8; index++) telemetry.emit(record(index));
    void telemetry.flush();
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  await telemetry.flush();
  // Drops that could not be reported are still to be told, while there is something new.
  fails = false;
  const flushed = telemetry.flush();
  telemetry.emit(record(0));
  await flushed;
  expect(await telemetry.close()).toBe(true);
  expectNothingLost(telemetry);
  expect(most).toBe(1);
});

test('closing flushes, closes each sink once, and counts what comes later', async () => {
  let closed = 0;
  const sink = Object.assign(memorySink(), {
    close: () => {
      closed += 1;
    },
  });
  const telemetry = new Telemetry({ sinks: [sink] });
  telemetry.emit(record(0));
  expect(await telemetry.close()).toBe(true);
  expect(await telemetry.close()).toBe(true);
  telemetry.emit(record(1));
  expect([closed, sink.records.length]).toEqual([1, 1]);
  expect(telemetry.statistics()).toMatchObject([{ produced: 2, written: 1, dropped: 1 }]);
});

test('a sink whose flush fails makes flush say so', async () => {
  const sink = Object.assign(memorySink(), {
    flush: () => {
      throw new Error('x');
    },
  });
  expect(await new Telemetry({ sinks: [sink] }).flush()).toBe(false);
});

test.each([0, -1, 1.5, 1_000_001])('a capacity of %d is refused', (capacity) => {
  expect(() => new Telemetry({ capacity })).toThrow(ResilienceArgumentError);
});

test('a record is one line of JSON, in which what is not known is null', () => {
  const made = kernelRecord(
    { component: 'cuda', message: 'a\nb', timestamp: '2026-01-02T03:04:05.678Z' },
    { kernel_name: 'sort', execution_time_us: 12.5 },
  );
  const line = encodeRecord(made);
  expect(line.indexOf('\n')).toBe(line.length - 1);
  expect(JSON.parse(line)).toEqual({
    timestamp: '2026-01-02T03:04:05.678Z',
    level: 'info',
    component: 'cuda',
    message: 'a\nb',
    gpu_metrics: {
      kernel_name: 'sort',
      execution_time_us: 12.5,
      memory_allocated_mb: null,
      memory_peak_mb: null,
      gpu_utilization_percent: null,
      error_count: null,
      recovery_attempts: null,
      performance_anomaly: null,
    },
    metadata: {},
  });
  expect(parseRecord(line)).toEqual(made);
});

test.each(['', '{', '[]', '{"timestamp":"yesterday"}', '{"timestamp":"2026-01-02T03:04:05.'])(
  'a line that is no record is refused: %s',
  (line) => {
    expect(() => parseRecord(line)).toThrow(ResilienceError);
  },
);

test('Prometheus gets counters, gauges and histograms', async () => {
  const sink = new PrometheusSink();
  const telemetry = new Telemetry({ sinks: [sink] });
  const metrics = {
    kernel_name: 'so"rt\n',
    execution_time_us: 1500,
    memory_allocated_mb: 2,
    performance_anomaly: true,
  };
  telemetry.emit(kernelRecord({ component: 'x', message: 'x' }, metrics));
  telemetry.emit(kernelRecord({ component: 'x', message: 'x' }, { ...metrics, memory_allocated_mb: 3 }));
  await telemetry.flush();
  const lines = sink.text().split('\n');
  const kernel = 'kernel="so\\"rt\\n"';
  for (const line of [
    '# TYPE vgpu_kernel_runs_total counter',
    `vgpu_kernel_runs_total{${kernel}} 2`,
    `vgpu_kernel_anomalies_total{${kernel}} 2`,
    'vgpu_gpu_memory_allocated_bytes 3000000',
    `vgpu_kernel_duration_seconds_bucket{${kernel},le="0.001"} 0`,
    `vgpu_kernel_duration_seconds_bucket{${kernel},le="0.01"} 2`,
    `vgpu_kernel_duration_seconds_bucket{${kernel},le="+Inf"} 2`,
    `vgpu_kernel_duration_seconds_sum{${kernel}} 0.003`,
    `vgpu_kernel_duration_seconds_count{${kernel}} 2`,
  ]) {
    expect(lines).toContain(line);
  }
  expect(sink.text()).not.toContain('utilization');
});

test('Prometheus does not keep a series for each of endlessly many kernels', () => {
  const sink = new PrometheusSink();
  for (let index = 0; index < 3000; index++) {
    sink.write([kernelRecord({ component: 'x', message: 'x' }, { kernel_name: `k${index}` })]);
  }
  const runs = sink
    .text()
    .split('\n')
    .filter((line) => line.startsWith('vgpu_kernel_runs_total{'));
  expect(runs).toHaveLength(1000);
  expect(runs.at(-1)).toBe('vgpu_kernel_runs_total{kernel="other"} 2001');
});

test('Prometheus does not keep a series for each of endlessly many causes either', () => {
  const sink = new PrometheusSink();
  for (let code = 1; code <= 3000; code++) {
    const metadata = { event: 'fallback', code, kind: 'unclassified', scope: 'operation' };
    sink.write([eventRecord({ component: 'x', message: 'x', metadata })]);
  }
  const fallbacks = sink
    .text()
    .split('\n')
    .filter((line) => line.startsWith('vgpu_fallbacks_total{'));
  expect(fallbacks).toHaveLength(1000);
  expect(fallbacks.at(-1)).toBe('vgpu_fallbacks_total{code="other",kind="other",scope="other"} 2001');
});

test('OpenTelemetry gets the same numbers', () => {
  const calls: unknown[] = [];
  const bounds: (number[] | undefined)[] = [];
  const gauges = new Map<string, (result: { observe(value: number): void }) => void>();
  const sink = openTelemetrySink({
    createCounter: (name) => ({ add: (value, attributes) => calls.push([name, value, attributes]) }),
    // Typed as in @opentelemetry/api, so that its meters can be passed.
    createHistogram: (name, options?: { advice?: { explicitBucketBoundaries?: number[] } }) => {
      bounds.push(options?.advice?.explicitBucketBoundaries);
      return { record: (value, attributes) => calls.push([name, value, attributes]) };
    },
    createObservableGauge: (name) => ({ addCallback: (callback) => gauges.set(name, callback) }),
  });
  // In seconds, as Prometheus gets them: the bounds of the SDK's own choice are for milliseconds.
  expect(bounds).toEqual([[1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 0.1, 1, 10]]);
  const metrics = { kernel_name: 'sort', execution_time_us: 1_000_000, gpu_utilization_percent: 50 };
  expect(sink.write([kernelRecord({ component: 'x', message: 'x' }, metrics)])).toBe(1);
  expect(calls).toEqual([
    ['vgpu_kernel_runs', 1, { kernel: 'sort' }],
    ['vgpu_kernel_duration_seconds', 1, { kernel: 'sort' }],
  ]);
  const observed: number[] = [];
  for (const callback of gauges.values()) callback({ observe: (value) => observed.push(value) });
  expect(observed).toEqual([0.5]);
});

test('a session reports its breaker and its fallbacks', async () => {
  const prometheus = new PrometheusSink();
  const sink = memorySink();
  const telemetry = new Telemetry({ sinks: [sink, prometheus] });
  const session = new FallbackSession({ breaker: new CircuitBreaker(), log: () => {} });
  const subscription = reportSession(session, telemetry, 'compute');
  const gpu = () => {
    throw new GpuError(driverFault(700));
  };
  await withFallback(session, { name: 'sort', gpu, cpu: () => 1, inputsUntouched: true });
  subscription.dispose();
  session.breaker.failed(conditionFault('executor-dead'));
  session.breaker.reset();
  await telemetry.flush();
  expect(sink.records.map(({ component, level, message }) => [component, level, message])).toEqual([
    ['compute', 'info', 'breaker: closed'],
    ['compute', 'warn', 'breaker: closed to open'],
    ['compute', 'warn', 'sort went to the CPU: CUDA_ERROR_ILLEGAL_ADDRESS'],
  ]);
  for (const line of sink.records.map(encodeRecord)) expect(encodeRecord(parseRecord(line))).toBe(line);
  expect(prometheus.text()).toContain(
    'vgpu_fallbacks_total{code="700",kind="context-dead",scope="session"} 1\n',
  );
  expect(prometheus.text()).toContain('vgpu_breaker_changes_total{to="open"} 1\n');
});

test.each([
  ['info', 'closed', null, () => {}],
  ['info', 'open', 'library-missing', (breaker) => breaker.failed(conditionFault('library-missing'))],
  ['warn', 'open', 'executor-dead', (breaker) => breaker.failed(conditionFault('executor-dead'))],
  ['info', 'open', null, (breaker) => breaker.force('open')],
  ['info', 'closed', null, (breaker) => breaker.force('closed')],
] as const satisfies [string, string, string | null, (breaker: CircuitBreaker) => void][])(
  'what a session begins with is reported as no change: %s, %s for %s',
  async (level, to, code, prepare) => {
    const prometheus = new PrometheusSink();
    const counted: string[] = [];
    const openTelemetry = openTelemetrySink({
      createCounter: (name) => ({ add: () => counted.push(name) }),
      createHistogram: () => ({ record: () => {} }),
      createObservableGauge: () => ({ addCallback: () => {} }),
    });
    const sink = memorySink();
    const telemetry = new Telemetry({ sinks: [sink, prometheus, openTelemetry] });
    const breaker = new CircuitBreaker();
    prepare(breaker);
    const forced = breaker.save().forced !== null;
    const name = breaker.cause?.name ?? null;
    reportSession(new FallbackSession({ breaker, log: () => {} }), telemetry).dispose();
    await telemetry.flush();
    expect(sink.records).toMatchObject([
      {
        level,
        component: 'session',
        message: `breaker: ${to}`,
        metadata: { event: 'breaker', from: null, to, forced, code, name },
      },
    ]);
    for (const line of sink.records.map(encodeRecord)) expect(encodeRecord(parseRecord(line))).toBe(line);
    expect(prometheus.text()).toBe('');
    expect(counted).toEqual([]);
  },
);

test('a half-open breaker is reported with the fault that had opened it', async () => {
  const sink = memorySink();
  const telemetry = new Telemetry({ sinks: [sink] });
  const cause = conditionFault('executor-dead');
  const saved = { version: 1, forced: null, failures: [], state: { status: 'half-open', cause } };
  const session = new FallbackSession({ breaker: new CircuitBreaker({ saved }), log: () => {} });
  reportSession(session, telemetry).dispose();
  await telemetry.flush();
  expect(sink.records).toMatchObject([
    { level: 'info', message: 'breaker: half-open', metadata: { to: 'half-open', name: cause.name } },
  ]);
});
