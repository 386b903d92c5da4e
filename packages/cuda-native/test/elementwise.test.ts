// Elementwise operations, running sums and histograms, against one loop in JavaScript.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createSession, type ElementType, type NumericArray } from '../src/index.js';
import { arrayOf, elements, elementTypes, rejection, type Shape, shapes } from './support.js';

const session = await createSession({ device: 'cpu' });
type Scalar = number | bigint;

const overPairs = (
  test: (x: NumericArray, y: NumericArray, type: ElementType, shape: Shape) => Promise<void>,
) =>
  fc.assert(
    fc.asyncProperty(fc.constantFrom(...elementTypes), shapes, (type, shape) =>
      test(arrayOf(type, shape), arrayOf(type, { ...shape, seed: shape.seed + 1, offset: 1 }), type, shape),
    ),
    { numRuns: 40 },
  );

/** A number in the type, as JavaScript stores it: rounded, or wrapped around. */
function store(type: ElementType, value: Scalar): Scalar {
  if (type === 'f32') return Math.fround(Number(value));
  if (type === 'f64') return Number(value);
  if (type === 'i64') return BigInt.asIntN(64, BigInt(value));
  if (type === 'u64') return BigInt.asUintN(64, BigInt(value));
  const wrapped = BigInt.asIntN(32, BigInt(value));
  return Number(type === 'i32' ? wrapped : BigInt.asUintN(32, wrapped));
}

/** Integers as bigints, so that nothing is lost before it is stored. */
const exactly = (type: ElementType, value: Scalar | undefined): Scalar =>
  type === 'f32' || type === 'f64' ? Number(value) : BigInt(value ?? 0);

const apply = (type: ElementType, operation: string, one: Scalar, other: Scalar): Scalar => {
  // Both are numbers, or both bigints.
  const [x, y] = [exactly(type, one), exactly(type, other)] as [number, number];
  if (operation === 'add') return store(type, x + y);
  if (operation === 'sub') return store(type, x - y);
  if (operation === 'mul') return store(type, x * y);
  return store(type, x / y);
};

describe.each(['add', 'sub', 'mul', 'div'] as const)('%s', (operation) => {
  it('does what one loop does', () =>
    overPairs(async (x, y, type) => {
      const isDivision = operation === 'div' && type !== 'f32' && type !== 'f64';
      if (isDivision)
        y.forEach((value: Scalar, i: number) => {
          if (Number(value) === 0) y[i] = store(type, 3) as never;
        });
      const { value } = await session[operation](x, y);
      expect(elements(value)).toEqual(
        elements(x).map((element, i) => apply(type, operation, element, y[i] ?? 0)),
      );
    }));

  it('may write over what it reads', async () => {
    const x = Float32Array.from({ length: 100_003 }, (_, i) => i + 1);
    const y = x.slice().reverse();
    const expected = (await session[operation](x, y)).value;
    const left = x.slice();
    expect((await session[operation](left, y, { out: left })).value).toBe(left);
    const right = y.slice();
    await session[operation](x, right, { out: right });
    expect(left).toEqual(expected);
    expect(right).toEqual(expected);
  });
});

describe('division of integers', () => {
  it('by 0 is an error that names the first one, before anything is written', async () => {
    const y = new Int32Array(300_000).fill(1);
    y[200_000] = 0;
    y[299_999] = 0;
    const x = new Int32Array(300_000).fill(5);
    const error = await rejection(session.div(x, y, { out: x }));
    expect(error).toMatchObject({ code: 'ERR_VGPU_COMPUTE_DIVISION_BY_ZERO', values: { index: 200_000 } });
    expect(x.every((element) => element === 5)).toBe(true);
  });

  it('wraps around where the result does not fit', async () => {
    const least = new Int32Array([-(2 ** 31)]);
    expect((await session.div(least, new Int32Array([-1]))).value[0]).toBe(-(2 ** 31));
    const long = new BigInt64Array([-(2n ** 63n)]);
    expect((await session.div(long, new BigInt64Array([-1n]))).value[0]).toBe(-(2n ** 63n));
  });
});

describe('scale, axpy, fill', () => {
  it('do what one loop does', () =>
    overPairs(async (x, y, type) => {
      const factor = (type === 'i64' || type === 'u64' ? 3n : 3) as never;
      const scaled = await session.scale(x, factor);
      expect(elements(scaled.value)).toEqual(
        elements(x).map((element) => apply(type, 'mul', element, factor)),
      );
      const sums = await session.axpy(factor, x, y);
      expect(elements(sums.value)).toEqual(
        elements(x).map((element, i) => apply(type, 'add', apply(type, 'mul', element, factor), y[i] ?? 0)),
      );
      const filled = await session.fill(y, factor);
      expect(filled.value).toBe(y);
      expect(elements(y).every((element) => element === factor)).toBe(true);
    }));
});

describe('cast', () => {
  const ranges = { i32: [-(2n ** 31n), 2n ** 31n - 1n], u32: [0n, 2n ** 32n - 1n] } as const;
  const wide = { i64: [-(2n ** 63n), 2n ** 63n - 1n], u64: [0n, 2n ** 64n - 1n] } as const;
  const saturate = (value: number, [least, most]: readonly [bigint, bigint]): bigint => {
    if (Number.isNaN(value)) return 0n;
    if (value <= Number(least)) return least;
    return value >= Number(most) ? most : BigInt(Math.trunc(value));
  };

  it('goes from every type to every other', () =>
    fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...elementTypes),
        fc.constantFrom(...elementTypes),
        shapes,
        async (from, to, shape) => {
          const x = arrayOf(from, shape);
          const isFloat = from === 'f32' || from === 'f64';
          const expected = elements(x).map((element) => {
            if (!isFloat) return store(to, element);
            if (to === 'i64' || to === 'u64') return saturate(Number(element), wide[to]);
            if (to === 'i32' || to === 'u32') return Number(saturate(Number(element), ranges[to]));
            return store(to, element);
          });
          expect(elements((await session.cast(x, to)).value)).toEqual(expected);
        },
      ),
      { numRuns: 80 },
    ));

  it('rounds 64-bit integers to the nearest float', async () => {
    const x = new BigInt64Array([2n ** 24n + 1n, 2n ** 24n + 3n, -(2n ** 53n) - 1n]);
    expect([...(await session.cast(x, 'f32')).value]).toEqual([2 ** 24, 2 ** 24 + 4, -(2 ** 53)]);
  });
});

describe('scans', () => {
  it('of integers wrap around', () =>
    fc.assert(
      fc.asyncProperty(fc.constantFrom('i32', 'u32', 'i64', 'u64'), shapes, async (type, shape) => {
        const x = arrayOf(type, shape);
        let sum = 0n;
        const before: Scalar[] = [];
        const after: Scalar[] = [];
        for (const element of elements(x)) {
          before.push(store(type, sum));
          sum += BigInt(element);
          after.push(store(type, sum));
        }
        expect(elements((await session.exclusiveScan(x)).value)).toEqual(before);
        expect(elements((await session.inclusiveScan(x, { out: x })).value)).toEqual(after);
      }),
      { numRuns: 40 },
    ));

  it('of floats are within rounding of the sum so far', async () => {
    const x = Float64Array.from({ length: 200_003 }, (_, i) => Math.sin(i) * 1e3);
    const { value } = await session.inclusiveScan(x);
    let [sum, magnitude] = [0, 0];
    const bad = value.findIndex((element, i) => {
      sum += x[i] ?? 0;
      magnitude += Math.abs(x[i] ?? 0);
      return Math.abs(element - sum) > 2 ** -53 * 2 * (i + 1) * magnitude;
    });
    expect(bad).toBe(-1);
    const narrow = await session.inclusiveScan(Float32Array.from({ length: 100_000 }, () => 0.1));
    // In single precision it would drift away by far more.
    expect(narrow.value.at(-1)).toBe(Math.fround(100_000 * Math.fround(0.1)));
  });
});

describe('histogram', () => {
  it('counts what lies in each interval', () =>
    fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...elementTypes),
        shapes,
        fc.integer({ min: 1, max: 50 }),
        async (type, shape, bins) => {
          const [min, max] = [-1e6, 2e9];
          const x = arrayOf(type, shape);
          const expected = new Uint32Array(bins);
          for (const element of elements(x)) {
            const value = Number(element);
            if (!(value >= min && value <= max)) continue;
            const bin = Math.min(bins - 1, Math.floor(((value - min) / (max - min)) * bins));
            expected[bin] = (expected[bin] ?? 0) + 1;
          }
          expect((await session.histogram(x, { bins, min, max })).value).toEqual(expected);
        },
      ),
      { numRuns: 40 },
    ));
});
