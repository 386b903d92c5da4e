// Sorting arrays that are larger than the memory limit, against sorting in memory.
import { existsSync, readdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { Telemetry, type TelemetryRecord } from '@vgpu/resilience';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createSession, type NumericArray } from '../../src/index.js';
import * as onDisk from '../../src/stored/index.js';
import { compareKeys } from '../../src/stored/order.js';
import { arrayOf, compare, elementTypes, rejection } from '../support.js';
import { contents, empty, holds, stored, watched } from './arrays.js';

const memory = await createSession({ device: 'cpu' });
const limit = 512 * 1024;
const small = await createSession({ device: 'cpu', memoryLimit: limit });
const shape = { count: 60_000, seed: 11, offset: 0, shared: false, special: true } as const;

async function sortedPairs(keys: NumericArray, values: NumericArray, descending: boolean) {
  const out = {
    keys: await empty(typeOf(keys), keys.length),
    values: await empty(typeOf(values), keys.length),
  };
  const [k, v] = [await stored(keys), await stored(values)];
  const result = await onDisk.sortPairs(small, k, v, out, { descending });
  expect(result.memoryBytes).toBeLessThanOrEqual(limit);
  expect(readdirSync(dirname(out.keys.path))).toEqual(['array.pycauset']);
  return { ...out, calls: result.calls.cpu };
}

const typeOf = (array: NumericArray) =>
  elementTypes.find(
    (type) => arrayOf(type, { ...shape, count: 0, spread: 'few' }).constructor === array.constructor,
  ) ?? 'f64';

describe.each(elementTypes)('%s', (type) => {
  test.each([
    ['few', false],
    ['many', false],
    ['few', true],
    ['many', true],
  ] as const)('pairs with %s different keys, descending %s', async (spread, descending) => {
    const keys = arrayOf(type, { ...shape, spread });
    const values = Uint32Array.from({ length: keys.length }, (_, i) => i);
    const expected = await memory.sortPairs(keys, values, { descending });
    const sorted = await sortedPairs(keys, values, descending);
    expect(holds(sorted.keys, expected.value.keys)).toBe(true);
    // Equal keys in their order, which only the values tell.
    expect(holds(sorted.values, expected.value.values)).toBe(true);
    expect(sorted.calls).toBeGreaterThan(10);
  });

  test('keys alone', async () => {
    const keys = arrayOf(type, { ...shape, spread: 'many' });
    const out = await empty(type, keys.length);
    await onDisk.sort(small, await stored(keys), out);
    expect(holds(out, (await memory.sort(keys)).value)).toBe(true);
  });
});

test.each([
  ['sorted already', (i: number) => i],
  ['the other way round', (i: number) => -i],
  ['all equal', () => 1],
  ['a saw', (i: number) => i % 777],
])('keys that are %s', async (_, key) => {
  const keys = Float64Array.from({ length: 50_000 }, (_, i) => key(i));
  const values = BigInt64Array.from({ length: 50_000 }, (_, i) => BigInt(i));
  const expected = await memory.sortPairs(keys, values);
  const sorted = await sortedPairs(keys, values, false);
  expect(holds(sorted.keys, expected.value.keys)).toBe(true);
  expect(holds(sorted.values, expected.value.values)).toBe(true);
});

test('nothing, and one pair', async () => {
  for (const count of [0, 1]) {
    const keys = new Float32Array(count).fill(2);
    const { keys: sorted } = await sortedPairs(keys, keys.slice(), false);
    expect(holds(sorted, keys)).toBe(true);
  }
});

test('the order of keys is the one that tests expect', () => {
  const key = fc.oneof(fc.constantFrom(0, -0, NaN, Infinity, -Infinity), fc.double());
  fc.assert(
    fc.property(key, key, (one, other) => {
      expect(Math.sign(compareKeys(one, other))).toBe(Math.sign(compare(one, other)) + 0);
    }),
  );
});

test('a limit that is too small names one that is enough', async () => {
  const keys = await empty('u32', 1_000_000);
  const out = await empty('u32', 1_000_000);
  const tight = await createSession({ device: 'cpu', memoryLimit: 20_000 });
  const { code, values } = await rejection(onDisk.sort(tight, keys, out));
  expect(code).toBe('ERR_VGPU_COMPUTE_MEMORY_LIMIT');
  const enough = await createSession({ device: 'cpu', memoryLimit: Number(values.needed) + 5000 });
  await onDisk.sort(enough, keys, out);
  expect(Number(values.needed)).toBeLessThan(500_000);
});

test('keys of which many begin alike take no more either, however many cores sort them', async () => {
  const count = 800_000;
  const keys = Uint32Array.from({ length: count }, (_, i) =>
    i % 1000 === 0 ? i * 5000 : (i * 40_503) % 65_536,
  );
  const values = Uint32Array.from(keys.keys());
  const expected = await memory.sortPairs(keys, values);
  for (const mebibytes of [6, 8, 12, 16, 64]) {
    const memoryLimit = mebibytes * 2 ** 20;
    const records: TelemetryRecord[] = [];
    const write = (batch: readonly TelemetryRecord[]) => records.push(...batch) && batch.length;
    const telemetry = new Telemetry({ sinks: [{ name: 'list', write }] });
    await using session = await createSession({ device: 'cpu', memoryLimit, telemetry });
    const out = { keys: await empty('u32', count), values: await empty('u32', count) };
    const result = await onDisk.sortPairs(session, await stored(keys), await stored(values), out);
    expect(holds(out.keys, expected.value.keys)).toBe(true);
    expect(holds(out.values, expected.value.values)).toBe(true);
    await telemetry.close();
    expect(records.length).toBeGreaterThan(0);
    for (const { gpu_metrics: metrics, metadata } of records) {
      // What the call took, beside the windows and buffers of its pairs.
      const pairs = Number(metadata.array_bytes) / 16;
      const bytes = Number(metrics?.memory_peak_mb) * 1e6 + 4 * 8 * pairs;
      expect(bytes).toBeLessThanOrEqual(result.memoryBytes);
    }
    expect(result.memoryBytes).toBeLessThanOrEqual(memoryLimit);
  }
});

test('a call may have a limit of its own', async () => {
  const keys = Uint32Array.from({ length: 100_000 }, (_, i) => (i * 7919) % 100_003);
  const { code } = await rejection(memory.sort(keys, { memoryLimit: 1000 }));
  expect(code).toBe('ERR_VGPU_COMPUTE_MEMORY_LIMIT');
  const onFile = await stored(keys);
  const tight = await rejection(
    onDisk.sort(memory, onFile, await empty('u32', keys.length), { memoryLimit: 1000 }),
  );
  expect(tight.code).toBe('ERR_VGPU_COMPUTE_MEMORY_LIMIT');
  for (const memoryLimit of [-1, 1.5, Number.NaN]) {
    expect((await rejection(memory.sort(keys, { memoryLimit }))).code).toBe('ERR_VGPU_COMPUTE_ARGUMENT');
    const wrong = onDisk.sort(memory, onFile, await empty('u32', keys.length), { memoryLimit });
    expect((await rejection(wrong)).code).toBe('ERR_VGPU_COMPUTE_ARGUMENT');
  }
});

test('an abort leaves the old version and no files', async () => {
  const keys = arrayOf('f64', { ...shape, spread: 'many' });
  const out = await stored(new Float64Array(keys.length).fill(42));
  const control = new AbortController();
  let windows = 0;
  const target = watched(out, (call) => {
    if (call === 'elements') windows += 1;
    if (windows === 3) control.abort(new Error('enough'));
  });
  const sorting = onDisk.sort(small, await stored(keys), target, { signal: control.signal });
  await expect(sorting).rejects.toThrow('enough');
  expect(new Set(contents(out))).toEqual(new Set([42]));
  expect(readdirSync(dirname(out.path))).toEqual(['array.pycauset']);
  expect(existsSync(`${out.path}.runs`)).toBe(false);
});
