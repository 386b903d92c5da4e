// Matrices, against three loops in JavaScript: with OpenBLAS, where it is installed, and without.
import { execFileSync } from 'node:child_process';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createSession } from '../src/index.js';
import { at, matrixOf, product } from './matrices.js';

const session = await createSession({ device: 'cpu' });
const packageUrl = new URL('../dist/index.js', import.meta.url).href;

const shape = fc.record({
  rows: fc.oneof(fc.constantFrom(0, 1, 32, 33), fc.integer({ min: 1, max: 90 })),
  inner: fc.oneof(fc.constantFrom(0, 1, 32, 257), fc.integer({ min: 1, max: 90 })),
  columns: fc.oneof(fc.constantFrom(0, 1, 31, 64), fc.integer({ min: 1, max: 90 })),
  gap: fc.integer({ min: 0, max: 3 }),
  double: fc.boolean(),
  seed: fc.integer({ min: 1 }),
});

describe('matmul', () => {
  it('is three loops, and writes nothing between the rows', () =>
    fc.assert(
      fc.asyncProperty(shape, async ({ rows, inner, columns, gap, double, seed }) => {
        const a = matrixOf(double, rows, inner, gap, seed);
        const b = matrixOf(double, inner, columns, 3 - gap, seed + 1);
        const expected = product(a, b);
        expect([...(await session.matmul(a, b)).value.data]).toEqual(expected);
        const out = matrixOf(double, rows, columns, 2, seed + 2);
        expect((await session.matmul(a, b, { out })).value).toBe(out);
        const written = Array.from(out.data, (element, i) => (i % (columns + 2) < columns ? element : 'gap'));
        expect(written.filter((element) => element !== 'gap')).toEqual(expected);
        const gaps = out.data.filter((_, i) => i % (columns + 2) >= columns);
        expect(gaps.every(Number.isNaN)).toBe(true);
      }),
      { numRuns: 60 },
    ));

  it('is the same without OpenBLAS', () => {
    const script = `
      import { createSession } from ${JSON.stringify(packageUrl)};
      const session = await createSession({ device: 'cpu' });
      const data = Float64Array.from({ length: 300 * 200 }, (_, i) => (i * 7919) % 13);
      const { value } = await session.matmul({ data, rows: 300, columns: 200 }, { data, rows: 200, columns: 300 });
      const { value: sum } = await session.sum(value.data);
      console.log(sum, value.data[12_345]);`;
    const run = (VGPU_COMPUTE_BLAS: string) =>
      execFileSync(process.execPath, ['--input-type=module', '-e', script], {
        env: { ...process.env, VGPU_COMPUTE_BLAS },
        encoding: 'utf8',
      });
    expect(run('own')).toBe(run(''));
  });
});

describe('matvec', () => {
  it('is two loops', () =>
    fc.assert(
      fc.asyncProperty(shape, async ({ rows, inner, gap, double, seed }) => {
        const a = matrixOf(double, rows, inner, gap, seed);
        const x = matrixOf(double, inner, 1, 0, seed + 1);
        expect([...(await session.matvec(a, x.data)).value]).toEqual(product(a, x));
      }),
      { numRuns: 40 },
    ));
});

describe('transpose', () => {
  it('turns rows into columns', () =>
    fc.assert(
      fc.asyncProperty(shape, async ({ rows, columns, gap, double, seed }) => {
        const a = matrixOf(double, rows, columns, gap, seed);
        const { value } = await session.transpose(a);
        expect([value.rows, value.columns]).toEqual([columns, rows]);
        for (let row = 0; row < rows; row++) {
          for (let column = 0; column < columns; column++) {
            if (at(value, column, row) !== at(a, row, column)) expect([row, column]).toBe('equal');
          }
        }
      }),
      { numRuns: 40 },
    ));
});
