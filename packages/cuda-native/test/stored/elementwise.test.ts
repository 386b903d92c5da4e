// Element by element on disk, against the same in memory.
import { PersistentArray } from '@vgpu/array';
import { describe, expect, test } from 'vitest';
import { createSession } from '../../src/index.js';
import * as onDisk from '../../src/stored/index.js';
import { arrayOf, elementTypes, rejection } from '../support.js';
import { closing, contents, empty, holds, stored } from './arrays.js';

const memory = await createSession({ device: 'cpu' });
const small = await createSession({ device: 'cpu', memoryLimit: 2 ** 20 });
const shape = { count: 50_003, seed: 3, offset: 0, shared: false, spread: 'many', special: true } as const;

describe.each(elementTypes)('%s', (type) => {
  test.each(['atomic', 'in-place'] as const)('all operations, %s', async (update) => {
    const [x, y] = [arrayOf(type, shape), arrayOf(type, { ...shape, seed: 4, special: false })] as const;
    const isLong = type === 'i64' || type === 'u64';
    for (const [i, value] of y.entries()) if (!value) y[i] = (isLong ? 1n : 1) as never;
    const [a, b] = [await stored(x), await stored(y)];
    const out = await empty(type, x.length, { update });
    const two = (isLong ? 2n : 2) as never;
    const { add, sub, mul, div } = onDisk;
    for (const [name, operation] of Object.entries({ add, sub, mul, div })) {
      const result = await operation(small, a, b, out);
      expect(result.value).toBe(out);
      expect(holds(out, (await memory[name as 'add'](x, y)).value)).toBe(true);
      expect(result.memoryBytes).toBeLessThanOrEqual(2 ** 20);
    }
    await onDisk.scale(small, a, two, out);
    expect(holds(out, (await memory.scale(x, two)).value)).toBe(true);
    await onDisk.axpy(small, two, a, b, out);
    expect(holds(out, (await memory.axpy(two, x, y)).value)).toBe(true);
    await onDisk.fill(small, out, two);
    expect(new Set(contents(out))).toEqual(new Set([two]));
    const floats = await empty('f64', x.length);
    await onDisk.cast(small, a, floats);
    expect(holds(floats, (await memory.cast(x, 'f64')).value)).toBe(true);
    expect((await out.verify()).error).toBeUndefined();
  });
});

test('f16 is cast to and from', async () => {
  const x = arrayOf('f32', { ...shape, special: false });
  const halves = await empty('f16', x.length);
  await onDisk.cast(small, await stored(x), halves);
  const bits = (await memory.cast(x, 'f16')).value as Uint16Array;
  expect(halves.elements(0, x.length)).toEqual(bits);
  for (const type of elementTypes) {
    const back = await empty(type, x.length);
    const { memoryBytes } = await onDisk.cast(small, halves, back);
    expect(holds(back, (await memory.cast(bits, type)).value)).toBe(true);
    expect(memoryBytes).toBeLessThanOrEqual(2 ** 20);
  }
  const argument = { code: 'ERR_VGPU_COMPUTE_ARGUMENT' };
  expect(await rejection(onDisk.cast(small, halves, await empty('f16', x.length)))).toMatchObject(argument);
  expect(await rejection(onDisk.sum(small, halves))).toMatchObject(argument);
  expect(await rejection(onDisk.fill(small, halves, 1))).toMatchObject(argument);
});

test('what fails half-way leaves the old version', async () => {
  const x = await stored(new Int32Array(100_000).fill(5));
  const y = await stored(new Int32Array(100_000).fill(1).fill(0, 99_999));
  const out = await stored(new Int32Array(100_000).fill(42));
  expect((await rejection(onDisk.div(small, x, y, out))).code).toBe('ERR_VGPU_COMPUTE_DIVISION_BY_ZERO');
  expect([out.updating, new Set(contents(out))]).toEqual([false, new Set([42])]);
});

test('outputs that cannot be written, or are inputs, are refused', async () => {
  const x = await stored(new Float64Array(10));
  const out = await empty('f64', 10);
  expect((await rejection(onDisk.add(small, x, x, x))).code).toBe('ERR_VGPU_COMPUTE_OVERLAP');
  expect(await rejection(onDisk.add(small, x, await empty('f64', 11), out))).toMatchObject({
    code: 'ERR_VGPU_COMPUTE_ARGUMENT',
    values: { array: 'y', count: 11, type: 'f64' },
  });
  const wrong = await empty('f32', 10);
  expect((await rejection(onDisk.scale(small, x, 2, wrong))).code).toBe('ERR_VGPU_COMPUTE_ARGUMENT');
  await out.begin();
  expect((await rejection(onDisk.scale(small, x, 2, out))).code).toBe('ERR_VGPU_COMPUTE_ARGUMENT');
  await out.close();
  const reader = closing(await PersistentArray.open(out.path));
  expect((await rejection(onDisk.scale(small, x, 2, reader as never))).code).toBe(
    'ERR_VGPU_COMPUTE_ARGUMENT',
  );
});
