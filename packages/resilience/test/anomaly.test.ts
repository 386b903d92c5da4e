import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  type Anomaly,
  AnomalyDetector,
  type GpuMetrics,
  kernelRecord,
  ResilienceArgumentError,
} from '../src/index.js';

/** Around 100, within 5. */
const normal = (index: number): number => 100 + ((index * 7) % 11) - 5;

function trained(samples = 100): AnomalyDetector {
  const detector = new AnomalyDetector();
  for (let index = 0; index < samples; index++) detector.observe('sort', normal(index));
  return detector;
}

test('nothing is judged before there are 20 samples', () => {
  const detector = new AnomalyDetector();
  for (let index = 0; index < 20; index++) {
    expect(detector.observe('sort', index === 10 ? 1e6 : normal(index))).toBeUndefined();
  }
  expect(detector.observe('sort', 100)).toBeNull();
});

test.each([
  ['high', 500],
  ['low', 1],
] as const)('an outlier is noticed: %s', (direction, value) => {
  expect(trained().observe('sort', value)).toMatchObject({
    kind: 'outlier',
    direction,
    kernel: 'sort',
    value,
    median: 100,
  });
});

test('outliers do not enter the baseline', () => {
  const detector = trained();
  const medians: number[] = [];
  for (let index = 0; index < 400; index++) {
    const seen = detector.observe('sort', index % 2 === 0 ? 500 : normal(index));
    if (seen) medians.push(seen.median);
    else expect(seen).toBeNull();
  }
  expect(medians).toHaveLength(200);
  for (const median of medians) expect(Math.abs(median - 100)).toBeLessThan(2);
});

test('outliers that persist are a shift, reported once, and normal afterwards', () => {
  const detector = trained();
  const seen: (Anomaly | null | undefined)[] = [];
  for (let index = 0; index < 60; index++) seen.push(detector.observe('sort', 5 * normal(index)));
  expect(seen.slice(0, 9).map((anomaly) => anomaly?.kind)).toEqual(Array(9).fill('outlier'));
  expect(seen[9]).toMatchObject({ kind: 'shift', direction: 'high' });
  expect(seen.slice(10, 20)).toEqual(Array(10).fill(undefined));
  expect(seen.slice(20)).toEqual(Array(40).fill(null));
  expect(detector.observe('sort', 100)).toMatchObject({ kind: 'outlier', direction: 'low' });
});

test('outliers in both directions are no shift', () => {
  const detector = trained();
  for (let index = 0; index < 40; index++) {
    expect(detector.observe('sort', index % 10 < 5 ? 500 : 1)?.kind).toBe('outlier');
  }
});

test('kernels do not disturb each other', () => {
  const detector = trained();
  expect(detector.observe('scan', 1e6)).toBeUndefined();
  expect(detector.observe('sort', 100)).toBeNull();
});

test('samples that are all the same: a little more is noise, much more is not', () => {
  const detector = new AnomalyDetector();
  for (let index = 0; index < 30; index++) detector.observe('even', 100);
  expect(detector.observe('even', 102)).toBeNull();
  expect(detector.observe('even', 110)?.kind).toBe('outlier');
  for (let index = 0; index < 30; index++) detector.observe('zero', 0);
  expect(detector.observe('zero', 0)).toBeNull();
  expect(detector.observe('zero', 1)).toMatchObject({ kind: 'outlier', score: Number.POSITIVE_INFINITY });
});

test('endlessly many kernels: those seen last are remembered', () => {
  const detector = trained();
  for (let index = 0; index < 999; index++) detector.observe(`k${index}`, 1);
  expect(detector.observe('sort', 100)).toBeNull();
  for (let index = 0; index < 1000; index++) detector.observe(`l${index}`, 1);
  expect(detector.observe('sort', 100)).toBeUndefined();
});

test('the verdict is the textbook’s', () => {
  const samples = fc.array(fc.double({ min: 1, max: 1e6, noNaN: true }), { minLength: 20, maxLength: 20 });
  const middle = (values: number[]): number => {
    const sorted = [...values].sort((a, b) => a - b);
    return ((sorted[9] ?? 0) + (sorted[10] ?? 0)) / 2;
  };
  fc.assert(
    fc.property(samples, fc.double({ min: 0, max: 1e7, noNaN: true }), (list, value) => {
      const detector = new AnomalyDetector();
      for (const sample of list) detector.observe('k', sample);
      const median = middle(list);
      const mad = middle(list.map((sample) => Math.abs(sample - median)));
      const unusual = Math.abs(value - median) >= 5 * Math.max(1.4826 * mad, 0.01 * median);
      expect(detector.observe('k', value) === null).toBe(!unusual);
    }),
  );
});

test.each([
  { window: 19 },
  { minimumSamples: 2 },
  { minimumSamples: 101 },
  { threshold: 0 },
  { persistAfter: 1 },
])('options out of range are refused: %j', (options) => {
  expect(() => new AnomalyDetector(options)).toThrow(ResilienceArgumentError);
});

test.each([-1, Number.NaN, Number.POSITIVE_INFINITY])('a sample of %d is refused', (value) => {
  expect(() => new AnomalyDetector().observe('k', value)).toThrow(ResilienceArgumentError);
});

function sortRecord(time: number, metadata: Record<string, string | number>, more: Partial<GpuMetrics> = {}) {
  return kernelRecord(
    { component: 'test', message: 'sort', metadata },
    { kernel_name: 'sort', execution_time_us: time, ...more },
  );
}

test('runs are judged beside those of their kernel and device, with arrays of about their size', () => {
  const detector = new AnomalyDetector();
  const small = { device: 'cpu', array_bytes: 5000 };
  for (let index = 0; index < 20; index++) {
    expect(detector.judge(sortRecord(normal(index), small))).toBeNull();
  }
  expect(detector.judge(sortRecord(100, { ...small, array_bytes: 7000 }))).toBe(false);
  expect(detector.judge(sortRecord(9000, small))).toBe(true);
  expect(detector.judge(sortRecord(9000, { ...small, array_bytes: 500_000 }))).toBeNull();
  expect(detector.judge(sortRecord(9000, { ...small, device: 'gpu' }))).toBeNull();
  expect(detector.judge(sortRecord(9000, {}))).toBeNull();
});

test('what a record says itself stands, and what failed is not judged', () => {
  const detector = new AnomalyDetector();
  for (let index = 0; index < 100; index++) {
    expect(detector.judge(sortRecord(9000, {}, { error_count: 1 }))).toBeNull();
    expect(detector.judge(sortRecord(9000, {}, { performance_anomaly: true }))).toBe(true);
  }
  for (let index = 0; index < 20; index++) {
    expect(detector.judge(sortRecord(normal(index), {}))).toBeNull();
  }
  expect(detector.judge(sortRecord(9000, {}, { error_count: 1 }))).toBeNull();
  expect(detector.judge(sortRecord(9000, {}))).toBe(true);
});
