// Products of matrices of integers on both paths, against loops with Math.imul and BigInt.
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Integer32Array, Integer64Array, MatrixBatch } from '../src/index.js';
import { type BothPaths, closeBothPaths, openBothPaths } from './both-paths.js';
import { arrayOf } from './support.js';

type Integers = Integer32Array | Integer64Array;
type Batch = MatrixBatch<Integers> & { readonly stride: number; readonly step: number };

let paths: BothPaths;

beforeAll(async () => {
  paths = await openBothPaths();
});

afterAll(() => closeBothPaths(paths));

const types = ['i32', 'u32', 'i64', 'u64'] as const;
// The GPU's tiles have 64 × 64 elements and go 16 deep, the CPU's blocks 96 rows and 32 columns at least.
const side = fc.oneof(fc.constantFrom(0, 1, 15, 16, 17, 63, 64, 65, 97), fc.integer({ min: 1, max: 130 }));
const shape = fc.record({
  type: fc.constantFrom(...types),
  count: fc.integer({ min: 0, max: 3 }),
  rows: side,
  inner: side,
  columns: side,
  gap: fc.integer({ min: 0, max: 2 }),
  special: fc.boolean(),
  seed: fc.integer({ min: 1 }),
});
type Kind = { readonly type: (typeof types)[number]; readonly special: boolean; readonly seed: number };

/** All bits are used: nearly every product wraps around. */
function integers({ type, special, seed }: Kind, count: number): Integers {
  const looks = { count, seed, special, offset: 1, shared: false, spread: 'many' } as const;
  return arrayOf(type, looks) as Integers;
}

function batchOf(kind: Kind, count: number, rows: number, columns: number, gap: number): Batch {
  const stride = columns + gap;
  const step = rows * stride + gap;
  return { data: integers(kind, count * step), rows, columns, stride, count, step };
}

/** What JavaScript makes of it. */
function sumOf(type: Kind['type'], x: Integers, y: Integers, places: Iterable<readonly [number, number]>) {
  if (type === 'i32' || type === 'u32') {
    let sum = 0;
    for (const [i, j] of places) sum = (sum + Math.imul(Number(x[i]), Number(y[j]))) | 0;
    return type === 'i32' ? sum : sum >>> 0;
  }
  let sum = 0n;
  for (const [i, j] of places) sum += BigInt(x[i] ?? 0) * BigInt(y[j] ?? 0);
  return type === 'i64' ? BigInt.asIntN(64, sum) : BigInt.asUintN(64, sum);
}

/** Element by element of all matrices. */
function productOf(type: Kind['type'], a: Batch, b: Batch): (number | bigint)[] {
  const columns = Array.from({ length: b.columns }, (_, column) => column);
  return rowsOf(a).flatMap(([matrix, first]) =>
    columns.map((column) =>
      sumOf(
        type,
        a.data,
        b.data,
        Array.from({ length: a.columns }, (_, i) => [first + i, matrix * b.step + i * b.stride + column]),
      ),
    ),
  );
}

/** Of each row the number of its matrix and where it begins. */
function rowsOf({ count, rows, stride, step }: Batch): [matrix: number, first: number][] {
  return Array.from({ length: count * rows }, (_, i) => {
    const matrix = Math.floor(i / rows);
    return [matrix, matrix * step + (i % rows) * stride];
  });
}

/** The elements of the matrices, and those between them, which no operation writes. */
function taken(batch: Batch) {
  const inside = new Set(
    rowsOf(batch).flatMap(([, first]) => Array.from({ length: batch.columns }, (_, i) => first + i)),
  );
  const all = [...(batch.data as Iterable<number | bigint>)];
  return { elements: [...inside].map((i) => all[i]), others: all.filter((_, i) => !inside.has(i)) };
}

describe.each(['cpu', 'gpu'] as const)('on the %s', (device) => {
  it('matmul and matmulBatch are three loops, and write nothing in between', { timeout: 120_000 }, () =>
    fc.assert(
      fc.asyncProperty(shape, async ({ count, rows, inner, columns, gap, ...kind }) => {
        const session = paths[device];
        const a = batchOf(kind, count, rows, inner, gap);
        const b = batchOf({ ...kind, seed: kind.seed + 1 }, count, inner, columns, 2 - gap);
        const out = batchOf({ ...kind, seed: kind.seed + 2 }, count, rows, columns, 1);
        const before = taken(out);
        const expected = productOf(kind.type, a, b);
        await session.matmulBatch(a, b, { out });
        expect(taken(out)).toEqual({ elements: expected, others: before.others });
        if (count === 0) return;
        const { value } = await session.matmul(a, b);
        expect([...(value.data as Iterable<number | bigint>)]).toEqual(expected.slice(0, rows * columns));
      }),
      { numRuns: 40 },
    ),
  );

  it('matvec and matvecBatch are two loops', { timeout: 120_000 }, () =>
    fc.assert(
      fc.asyncProperty(shape, async ({ count, rows, inner, gap, ...kind }) => {
        const session = paths[device];
        const a = batchOf(kind, count, rows, inner, gap);
        const x = batchOf({ ...kind, seed: kind.seed + 1 }, count, inner, 1, 0);
        const expected = productOf(kind.type, a, x);
        const { value: all } = await session.matvecBatch(a, x.data);
        expect([...(all as Iterable<number | bigint>)]).toEqual(expected);
        if (count === 0) return;
        const { value } = await session.matvec(a, x.data.slice(0, inner) as Integers);
        expect([...(value as Iterable<number | bigint>)]).toEqual(expected.slice(0, rows));
      }),
      { numRuns: 40 },
    ),
  );

  it('the greatest and the least numbers', async () => {
    const session = paths[device];
    const [least, most] = [-(2 ** 31), 2 ** 31 - 1];
    const signed = { data: new Int32Array([most, least, -1, 1]), rows: 2, columns: 2 };
    // most² + 2³¹ is 2⁶² − 2³¹ + 1, and so on.
    expect([...(await session.matmul(signed, signed)).value.data]).toEqual([-most, 0, least, -most]);
    const unsigned = { data: new Uint32Array([2 ** 32 - 1]), rows: 1, columns: 1 };
    expect([...(await session.matmul(unsigned, unsigned)).value.data]).toEqual([1]);
    const wide = { data: new BigInt64Array([-(2n ** 63n), 2n ** 63n - 1n]), rows: 1, columns: 2 };
    expect([...(await session.matvec(wide, new BigInt64Array([-1n, 2n]))).value]).toEqual([2n ** 63n - 2n]);
  });
});
