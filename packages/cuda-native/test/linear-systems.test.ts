// solve and inverse: what they find is put into the equations again.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createSession, type FloatArray, type Matrix } from '../src/index.js';
import { at, matrixOf, product } from './matrices.js';
import { rejection } from './support.js';

const session = await createSession({ device: 'cpu' });

const system = fc.record({
  order: fc.oneof(fc.constantFrom(0, 1, 2, 16, 17, 33, 64, 129), fc.integer({ min: 1, max: 150 })),
  columns: fc.oneof(fc.constantFrom(0, 1), fc.integer({ min: 1, max: 40 })),
  gap: fc.integer({ min: 0, max: 3 }),
  double: fc.boolean(),
  seed: fc.integer({ min: 1 }),
});

/** Random, with a diagonal that no column outweighs, in an order that only pivots find. */
function regular(double: boolean, order: number, gap: number, seed: number): Matrix<FloatArray> {
  const matrix = matrixOf(double, order, order, gap, seed);
  for (let row = 0; row < order; row++) {
    const column = (row * 7 + seed) % order;
    const stride = order + gap;
    matrix.data[row * stride + ((column + order) % order)] = 3 * order * (row % 2 === 0 ? 1 : -1);
  }
  return matrix;
}

function norm({ data, rows, columns, stride = columns }: Matrix<FloatArray>): number {
  let greatest = 0;
  for (let row = 0; row < rows; row++) {
    let sum = 0;
    for (let column = 0; column < columns; column++) sum += Math.abs(data[row * stride + column] ?? 0);
    greatest = Math.max(greatest, sum);
  }
  return greatest;
}

/** ‖a x − b‖ of each element, beside what the documentation promises. */
function expectSolution(
  a: Matrix<FloatArray>,
  x: Matrix<FloatArray>,
  b: (row: number, column: number) => number,
) {
  const unit = a.data instanceof Float64Array ? 2 ** -53 : 2 ** -24;
  const bound = 4 * (a.rows + 8) * unit * norm(a) * Math.max(1, norm(x));
  const found = product(a, x);
  let greatest = 0;
  for (let row = 0; row < x.rows; row++) {
    for (let column = 0; column < x.columns; column++) {
      const residual = Math.abs((found[row * x.columns + column] ?? Number.NaN) - b(row, column));
      greatest = Math.max(greatest, residual);
    }
  }
  expect(greatest).toBeLessThanOrEqual(bound);
}

describe('solve', () => {
  it('finds what fulfils the equations, and leaves its inputs alone', () =>
    fc.assert(
      fc.asyncProperty(system, async ({ order, columns, gap, double, seed }) => {
        if (order % 7 === 0 && order > 0) return;
        const a = regular(double, order, gap, seed);
        const b = matrixOf(double, order, columns, 3 - gap, seed + 1);
        const [before, right] = [a.data.slice(), b.data.slice()];
        const { value: x } = await session.solve(a, b);
        expectSolution(a, x, (row, column) => at(b, row, column));
        expect([a.data, b.data]).toEqual([before, right]);
      }),
      { numRuns: 30 },
    ));

  it('is exact where the numbers are', async () => {
    const a = { data: new Float64Array([0, 2, 1, 1, 0, 0, 0, 0, 4]), rows: 3, columns: 3 };
    const b = { data: new Float64Array([8, 2, 8]), rows: 3, columns: 1 };
    expect([...(await session.solve(a, b)).value.data]).toEqual([2, 3, 2]);
  });

  it('writes between no rows, and refuses to write over its inputs', async () => {
    const a = { data: new Float32Array([2, 0, 0, 4]), rows: 2, columns: 2 };
    const b = { data: new Float32Array([2, 4]), rows: 2, columns: 1 };
    const out = { data: new Float32Array(5).fill(9), rows: 2, columns: 1, stride: 3 };
    await session.solve(a, b, { out });
    expect([...out.data]).toEqual([1, 9, 9, 1, 9]);
    expect(await rejection(session.solve(a, b, { out: b }))).toMatchObject({
      code: 'ERR_VGPU_COMPUTE_OVERLAP',
    });
    expect(await rejection(session.inverse(a, { out: a }))).toMatchObject({
      code: 'ERR_VGPU_COMPUTE_OVERLAP',
    });
  });

  it('of a matrix that is not square, or of another height, is refused', async () => {
    const argument = { code: 'ERR_VGPU_COMPUTE_ARGUMENT' };
    const square = { data: new Float32Array(4), rows: 2, columns: 2 };
    const wide = { data: new Float32Array(6), rows: 2, columns: 3 };
    const high = { data: new Float32Array(6), rows: 3, columns: 2 };
    expect(await rejection(session.solve(wide, square))).toMatchObject(argument);
    expect(await rejection(session.solve(square, high))).toMatchObject(argument);
    expect(await rejection(session.inverse(wide))).toMatchObject(argument);
  });
});

describe('inverse', () => {
  it('times the matrix is the unit matrix', () =>
    fc.assert(
      fc.asyncProperty(system, async ({ order, gap, double, seed }) => {
        if (order % 7 === 0 && order > 0) return;
        const a = regular(double, order, gap, seed);
        const { value: inverse } = await session.inverse(a);
        expectSolution(a, inverse, (row, column) => Number(row === column));
      }),
      { numRuns: 20 },
    ));

  it.each([1, 5, 40])('of a matrix of %i rows of which one is 0 throws, naming the pivot', async (order) => {
    const a = regular(true, order === 40 ? 41 : order, 0, 3);
    a.data.fill(0, a.columns * (a.rows - 1));
    const error = await rejection(session.inverse(a));
    expect(error).toMatchObject({ code: 'ERR_VGPU_COMPUTE_SINGULAR', values: { pivot: a.rows - 1 } });
    expect(error.remedy).toBeDefined();
  });

  it('keeps NaN', async () => {
    const a = { data: new Float64Array([0, 1, Number.NaN, 1]), rows: 2, columns: 2 };
    expect((await session.inverse(a)).value.data.every(Number.isNaN)).toBe(true);
  });
});
