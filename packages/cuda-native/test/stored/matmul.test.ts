// Products of matrices on disk, against the same in memory.
import { describe, expect, test } from 'vitest';
import { createSession, type ElementType, type FloatArray, type NumericArray } from '../../src/index.js';
import * as onDisk from '../../src/stored/index.js';
import { arrayOf, elements, elementTypes, random, rejection } from '../support.js';
import { contents, empty, stored } from './arrays.js';

const memory = await createSession({ device: 'cpu' });

/** Of floats small multiples of 1/4: products and sums of them are exact, in whatever order. Of integers any, which wrap around. */
function data(type: ElementType, count: number, seed: number): NumericArray {
  const looks = { count, seed, offset: 0, shared: false, spread: 'many', special: false } as const;
  const values = arrayOf(type, looks);
  if (!(values instanceof Float32Array || values instanceof Float64Array)) return values;
  const next = random(seed);
  return values.map(() => ((next() % 17) - 8) / 4) as FloatArray;
}

describe.each(elementTypes)('%s', (type) => {
  test.each([
    // Several panels, blocks and strips.
    [200, 150, 100, 60_000],
    // Single rows.
    [7, 90, 50, 50 * 8 * 8],
    [1, 1, 1, 1000],
    [64, 64, 64, 1e9],
    // Nothing in between: all sums are 0.
    [5, 0, 3, 1000],
    [0, 4, 3, 1000],
    [4, 3, 0, 1000],
  ])('%i × %i by %i in %d bytes', async (rows, inner, columns, memoryLimit) => {
    const session = await createSession({ device: 'cpu', memoryLimit });
    const [x, y] = [data(type, rows * inner, 1), data(type, inner * columns, 2)];
    const [a, b] = [await matrix(x, rows, inner), await matrix(y, inner, columns)];
    const out = await matrix(data(type, rows * columns, 3), rows, columns);
    const told: number[] = [];
    const result = await onDisk.matmul(session, a, b, out, {
      onProgress: (done, total) => told.push(done / total),
    });
    const left = { data: x, rows, columns: inner };
    const expected = await memory.matmul(left, { data: y, rows: inner, columns });
    expect(contents(out)).toEqual(elements(expected.value.data));
    expect(result.memoryBytes).toBeLessThanOrEqual(memoryLimit);
    expect((await out.verify()).error).toBeUndefined();
    expect(told.every((share, i) => Number.isNaN(share) || share >= (told[i - 1] ?? 0))).toBe(true);
  });

  test('by a vector', async () => {
    const [x, y] = [data(type, 300 * 70, 1), data(type, 70, 2)];
    const out = await empty(type, 300);
    const session = await createSession({ device: 'cpu', memoryLimit: 20_000 });
    await onDisk.matvec(session, await stored(x, { columns: 70 }), await stored(y), out);
    const expected = await memory.matvec({ data: x, rows: 300, columns: 70 }, y);
    expect(contents(out)).toEqual(elements(expected.value));
  });

  async function matrix(values: NumericArray, rows: number, columns: number) {
    const { PersistentArray } = await import('@vgpu/array');
    const { closing, newFolder } = await import('./arrays.js');
    const shape = { structure: 'dense', dtype: type, rows, columns } as const;
    const array = closing(await PersistentArray.create(`${newFolder()}/matrix.pycauset`, shape));
    await array.begin();
    (array.elements(0, values.length) as Float64Array).set(values as Float64Array);
    await array.commit();
    return array;
  }
});

test('matrices that do not fit together, or not into memory', async () => {
  const a = await stored(new Float64Array(12), { columns: 4 });
  const out = await empty('f64', 9, { columns: 3 });
  expect(await rejection(onDisk.matmul(memory, a, a, out))).toMatchObject({
    code: 'ERR_VGPU_COMPUTE_ARGUMENT',
    values: { rows: 3, expectedRows: 4 },
  });
  const b = await stored(new Float64Array(12), { columns: 3 });
  const tight = await createSession({ device: 'cpu', memoryLimit: 100 });
  expect(await rejection(onDisk.matmul(tight, a, b, out))).toMatchObject({
    code: 'ERR_VGPU_COMPUTE_MEMORY_LIMIT',
    values: { needed: 8 * 3 * 8, memoryLimit: 100 },
  });
  const integers = await stored(new Int32Array(12), { columns: 3 });
  expect(await rejection(onDisk.matmul(memory, a, integers, out))).toMatchObject({
    code: 'ERR_VGPU_COMPUTE_ARGUMENT',
    message: 'b has elements of i32, and a of f64',
  });
  const halves = await empty('f16', 12, { columns: 3 });
  expect((await rejection(onDisk.matmul(memory, a, halves, out))).code).toBe('ERR_VGPU_COMPUTE_ARGUMENT');
});
