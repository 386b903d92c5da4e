// Reductions of arrays on disk, against the same in memory.
import { describe, expect, test } from 'vitest';
import { createSession } from '../../src/index.js';
import * as onDisk from '../../src/stored/index.js';
import { arrayOf, elementTypes, rejection } from '../support.js';
import { closing, empty, stored, watched } from './arrays.js';

const memory = await createSession({ device: 'cpu' });
// Pieces of one segment: 2^17 elements.
const small = await createSession({ device: 'cpu', memoryLimit: 7 * 2 ** 20 });
const shape = { count: 600_001, seed: 7, offset: 0, shared: false, spread: 'many', special: true } as const;

describe.each(elementTypes)('%s', (type) => {
  test('sum, min, max, mean, histogram and topK are those of memory', async () => {
    const data = arrayOf(type, { ...shape, special: type !== 'f32' && type !== 'f64' });
    const array = await stored(data);
    const total = await onDisk.sum(small, array);
    if (type === 'f32' || type === 'f64') {
      expect(Number(total.value)).toBeCloseTo(Number((await memory.sum(data)).value), 3);
    } else {
      expect(total.value).toBe((await memory.sum(data)).value);
    }
    expect(total).toMatchObject({ device: 'cpu', reason: null, attempts: 0 });
    expect((await onDisk.min(small, array)).value).toBe((await memory.min(data)).value);
    expect((await onDisk.max(small, array)).value).toBe((await memory.max(data)).value);
    const mean = (await onDisk.mean(small, array)).value;
    expect(mean / (await memory.mean(data)).value).toBeCloseTo(1, 9);
    const bins = { bins: 7, min: -(2 ** 31), max: 2 ** 32 };
    expect([...(await onDisk.histogram(small, array, bins)).value]).toEqual([
      ...(await memory.histogram(data, bins)).value,
    ]);
    const best = await onDisk.topK(small, array, 50);
    const expected = await memory.topK(data, 50);
    expect([...best.value.values]).toEqual([...expected.value.values]);
    expect([...best.value.indices]).toEqual([...expected.value.indices]);
  });
});

test('NaN and negative zero are what they are in memory', async () => {
  const data = arrayOf('f64', shape);
  const array = await stored(data);
  const { sum, min, max } = onDisk;
  for (const [name, operation] of Object.entries({ sum, min, max })) {
    expect((await operation(small, array)).value).toBe((await memory[name as 'sum'](data)).value);
  }
  const zeros = await stored(new Float64Array(300_000).fill(0).fill(-0, 200_000));
  expect((await onDisk.min(small, zeros)).value).toBe(-0);
});

test('dot and norm', async () => {
  const [x, y] = [7, 8].map((seed) => arrayOf('i32', { ...shape, seed }) as Int32Array);
  if (x === undefined || y === undefined) throw new Error('there are two');
  const [a, b] = [await stored(x), await stored(y)];
  expect((await onDisk.dot(small, a, b)).value).toBe((await memory.dot(x, y)).value);
  expect((await onDisk.norm(small, a)).value / (await memory.norm(x)).value).toBeCloseTo(1, 12);
  const long = await empty('i64', 10);
  expect((await rejection(onDisk.norm(small, long))).code).toBe('ERR_VGPU_COMPUTE_ARGUMENT');
});

test('the bits of a sum do not depend on the memory limit', async () => {
  const array = await stored(arrayOf('f32', { ...shape, special: false }));
  const large = await createSession({ device: 'cpu', memoryLimit: 2 ** 28 });
  const results = await Promise.all([small, large, memory].map((session) => onDisk.sum(session, array)));
  expect(new Set(results.map(({ value }) => value)).size).toBe(1);
  expect(results[0]?.memoryBytes).toBeLessThanOrEqual(7 * 2 ** 20);
  expect(results[0]?.calls.cpu).toBe(6);
});

test('progress ends at the end, and an abort is heeded', async () => {
  const array = await stored(arrayOf('f64', { ...shape, special: false }));
  const told: [number, number][] = [];
  await onDisk.sum(small, array, { onProgress: (...each) => told.push(each) });
  expect(told[0]?.[0]).toBeLessThan(8 * shape.count);
  expect(told.at(-1)).toEqual([8 * shape.count, 8 * shape.count]);
  const control = new AbortController();
  const aborted = onDisk.sum(small, array, {
    signal: control.signal,
    onProgress: () => control.abort(new Error('enough')),
  });
  await expect(aborted).rejects.toThrow('enough');
});

test('an abort while pieces are read rejects with its reason', async () => {
  const array = await stored(new Float64Array(shape.count));
  const control = new AbortController();
  const input = watched(array, (call) => {
    if (call === 'prefetch') control.abort(new Error('enough'));
  });
  await expect(onDisk.sum(small, input, { signal: control.signal })).rejects.toThrow('enough');
});

test('many greatest elements count for the memory limit', async () => {
  const data = arrayOf('f64', shape);
  const array = await stored(data);
  const { value, memoryBytes } = await onDisk.topK(small, array, 30_000);
  const expected = (await memory.topK(data, 30_000)).value;
  expect([...value.values]).toEqual([...expected.values]);
  expect([...value.indices]).toEqual([...expected.indices]);
  expect(memoryBytes).toBeGreaterThan(30_000 * 16);
  expect(memoryBytes).toBeLessThanOrEqual(7 * 2 ** 20);
  expect(await rejection(onDisk.topK(small, array, 60_000))).toMatchObject({
    code: 'ERR_VGPU_COMPUTE_MEMORY_LIMIT',
    values: { needed: 3 * 2 ** 20, memoryLimit: 7 * 2 ** 20 - 60_000 * 112 },
  });
});

test('what cannot be computed is refused with both numbers', async () => {
  const tiny = await createSession({ device: 'cpu', memoryLimit: 1000 });
  expect(await rejection(onDisk.sum(tiny, await empty('f64', 10)))).toMatchObject({
    code: 'ERR_VGPU_COMPUTE_MEMORY_LIMIT',
    values: { needed: 3 * 2 ** 20, memoryLimit: 1000 },
  });
  const five = await stored(new Float64Array(5));
  const calls = [onDisk.topK(small, five, 6), memory.topK(new Float64Array(5), 6)];
  for (const error of await Promise.all(calls.map(rejection))) {
    expect(error).toBeInstanceOf(RangeError);
    expect(error).toMatchObject({
      code: 'ERR_VGPU_COMPUTE_CAPACITY',
      values: { array: 'x', count: 6, capacity: 5 },
    });
  }
  const none = await empty('f64', 0);
  expect((await rejection(onDisk.min(small, none))).code).toBe('ERR_VGPU_COMPUTE_ARGUMENT');
  expect((await onDisk.sum(small, none)).value).toBe(0);
  const { PersistentArray } = await import('@vgpu/array');
  const shape = { structure: 'symmetric', dtype: 'f64', rows: 3, columns: 3 } as const;
  const symmetric = closing(await PersistentArray.create(`${none.path}.symmetric`, shape));
  expect(await rejection(onDisk.sum(small, symmetric))).toMatchObject({
    code: 'ERR_VGPU_COMPUTE_ARGUMENT',
    values: { array: 'x', structure: 'symmetric' },
  });
});
