// Batches give what single calls give.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createSession, type FloatArray, type MatrixBatch } from '../src/index.js';
import { native } from '../src/native.js';
import { matrixOf, product } from './matrices.js';
import { rejection } from './support.js';

const session = await createSession({ device: 'cpu' });

const shape = fc.record({
  count: fc.integer({ min: 0, max: 9 }),
  rows: fc.oneof(fc.constantFrom(0, 1), fc.integer({ min: 1, max: 20 })),
  inner: fc.oneof(fc.constantFrom(0, 1), fc.integer({ min: 1, max: 20 })),
  columns: fc.oneof(fc.constantFrom(0, 1), fc.integer({ min: 1, max: 20 })),
  gap: fc.integer({ min: 0, max: 2 }),
  double: fc.boolean(),
  seed: fc.integer({ min: 1 }),
});

/** The batch, and its matrices one by one. */
function batchOf(double: boolean, count: number, rows: number, columns: number, gap: number, seed: number) {
  const all = matrixOf(double, count * (rows + gap), columns, gap, seed);
  const step = (rows + gap) * (columns + gap);
  const batch: MatrixBatch<FloatArray> = { ...all, rows, count, step };
  const single = (index: number) => ({ ...all, rows, data: all.data.subarray(index * step) });
  return { batch, single };
}

describe('matmulBatch', () => {
  it('is matmul for each', () =>
    fc.assert(
      fc.asyncProperty(shape, async ({ count, rows, inner, columns, gap, double, seed }) => {
        const a = batchOf(double, count, rows, inner, gap, seed);
        const b = batchOf(double, count, inner, columns, 2 - gap, seed + 1);
        const { value } = await session.matmulBatch(a.batch, b.batch);
        const expected = Array.from({ length: count }, (_, i) => product(a.single(i), b.single(i))).flat();
        expect([...value.data]).toEqual(expected);
      }),
      { numRuns: 60 },
    ));
});

describe('matvecBatch', () => {
  it('is matvec for each', () =>
    fc.assert(
      fc.asyncProperty(shape, async ({ count, rows, inner, gap, double, seed }) => {
        const a = batchOf(double, count, rows, inner, gap, seed);
        const x = matrixOf(double, count, inner, 0, seed + 1).data;
        const { value } = await session.matvecBatch(a.batch, x);
        const expected = Array.from({ length: count }, (_, i) =>
          product(a.single(i), { data: x.subarray(i * inner), rows: inner, columns: 1 }),
        ).flat();
        expect([...value]).toEqual(expected);
      }),
      { numRuns: 60 },
    ));
});

it('more products than are handed over at a time', async () => {
  const count = 2 ** 14 + 3;
  const data = Float32Array.from({ length: count }, (_, i) => i);
  const numbers = { data, rows: 1, columns: 1, count };
  const { value } = await session.matmulBatch(numbers, { ...numbers, data: new Float32Array(count).fill(2) });
  expect(value.data).toEqual(data.map((each) => 2 * each));
});

it('any number of matrices without elements takes nothing', async () => {
  const none = { data: new Float32Array(), rows: 0, columns: 0, count: 2 ** 45 };
  expect((await session.matmulBatch(none, none)).value.data).toHaveLength(0);
});

describe('batches that make no sense', () => {
  const argument = { code: 'ERR_VGPU_COMPUTE_ARGUMENT' };
  const batch = (count: number, step?: number) => ({
    data: new Float32Array(100),
    rows: 2,
    columns: 3,
    count,
    ...(step === undefined ? {} : { step }),
  });

  it('are refused', async () => {
    expect(await rejection(session.matvecBatch(batch(2, 5), new Float32Array(6)))).toMatchObject(argument);
    expect(await rejection(session.matvecBatch(batch(-1), new Float32Array(6)))).toMatchObject(argument);
    const b = { data: new Float32Array(100), rows: 3, columns: 2, count: 3 };
    expect(await rejection(session.matmulBatch(batch(2), b))).toMatchObject(argument);
    const out = { ...b, rows: 2, count: 2 };
    expect(await rejection(session.matmulBatch(batch(3), b, { out }))).toMatchObject(argument);
  });

  it('are refused below JavaScript, too', async () => {
    const start = [new Int32Array(1), 1e9] as const;
    const [data, x, y] = [new Float32Array(10), new Float32Array(6), new Float32Array(4)];
    const call = async (count: number, step: number) =>
      native().matvecBatch(...start, data, 2, 3, 3, count, step, x, y);
    await expect(call(2, 6)).rejects.toMatchObject({ kind: 'capacity', first: 12, second: 10 });
    await expect(call(2, 5)).rejects.toMatchObject({ kind: 'argument' });
    await expect(call(2 ** 52, 2 ** 52)).rejects.toMatchObject({ kind: 'argument' });
    await call(1, 0);
  });
});
