// Products of matrices on disk, against the same in memory.
import { describe, expect, test } from 'vitest';
import { createSession } from '../../src/index.js';
import * as onDisk from '../../src/stored/index.js';
import { random, rejection } from '../support.js';
import { contents, empty, stored } from './arrays.js';

const memory = await createSession({ device: 'cpu' });

/** Small multiples of 1/4: products and sums of them are exact, in whatever order. */
function data(double: boolean, count: number, seed: number): Float32Array | Float64Array {
  const next = random(seed);
  const values = double ? new Float64Array(count) : new Float32Array(count);
  return values.map(() => ((next() % 17) - 8) / 4);
}

describe.each([
  ['f32', false],
  ['f64', true],
] as const)('%s', (type, double) => {
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
    const [x, y] = [data(double, rows * inner, 1), data(double, inner * columns, 2)];
    const [a, b] = [await matrix(x, rows, inner), await matrix(y, inner, columns)];
    const out = await matrix(data(double, rows * columns, 3), rows, columns);
    const told: number[] = [];
    const result = await onDisk.matmul(session, a, b, out, {
      onProgress: (done, total) => told.push(done / total),
    });
    const left = { data: x as Float64Array, rows, columns: inner };
    const expected = await memory.matmul(left, { data: y as Float64Array, rows: inner, columns });
    expect(contents(out)).toEqual([...expected.value.data]);
    expect(result.memoryBytes).toBeLessThanOrEqual(memoryLimit);
    expect((await out.verify()).error).toBeUndefined();
    expect(told.every((share, i) => Number.isNaN(share) || share >= (told[i - 1] ?? 0))).toBe(true);
  });

  test('by a vector', async () => {
    const [x, y] = [data(double, 300 * 70, 1), data(double, 70, 2)];
    const out = await empty(type, 300);
    const session = await createSession({ device: 'cpu', memoryLimit: 20_000 });
    await onDisk.matvec(session, await stored(x, { columns: 70 }), await stored(y), out);
    const expected = await memory.matvec(
      { data: x as Float64Array, rows: 300, columns: 70 },
      y as Float64Array,
    );
    expect(contents(out)).toEqual([...expected.value]);
  });

  async function matrix(values: Float32Array | Float64Array, rows: number, columns: number) {
    const { PersistentArray } = await import('@vgpu/array');
    const { closing, newFolder } = await import('./arrays.js');
    const shape = { structure: 'dense', dtype: type, rows, columns } as const;
    const array = closing(await PersistentArray.create(`${newFolder()}/matrix.pycauset`, shape));
    await array.begin();
    (array.elements(0, values.length) as Float64Array).set(values);
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
  expect((await rejection(onDisk.matmul(memory, a, integers, out))).code).toBe('ERR_VGPU_COMPUTE_ARGUMENT');
});
