// Reductions, against one loop in JavaScript.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createSession, type ElementType, type NumericArray } from '../src/index.js';
import { arrayOf, compare, elements, elementTypes, type Shape, shapes } from './support.js';

const session = await createSession({ device: 'cpu' });
const check = (property: fc.IAsyncProperty<unknown>) => fc.assert(property, { numRuns: 40 });
const overArrays = (
  types: readonly ElementType[],
  test: (array: NumericArray, type: ElementType, shape: Shape) => Promise<void>,
) =>
  check(
    fc.asyncProperty(fc.constantFrom(...types), shapes, (type, shape) =>
      test(arrayOf(type, shape), type, shape),
    ),
  );

/** Neumaier's compensated sum. */
function exactSum(terms: readonly number[]): number {
  let sum = 0;
  let lost = 0;
  for (const term of terms) {
    const next = sum + term;
    lost += Math.abs(sum) >= Math.abs(term) ? sum - next + term : term - next + sum;
    sum = next;
  }
  return Number.isFinite(sum) ? sum + lost : sum;
}

function expectSum(actual: number, terms: readonly number[]): void {
  const expected = exactSum(terms);
  if (!Number.isFinite(expected)) {
    expect(actual).toBe(expected);
    return;
  }
  const magnitude = terms.reduce((sum, term) => sum + Math.abs(term), 0);
  const bound = 2 ** -53 * (1030 + Math.log2(terms.length + 1)) * magnitude;
  expect(Math.abs(actual - expected)).toBeLessThanOrEqual(bound);
}

describe('sum', () => {
  it('is exact for integers', () =>
    overArrays(['i32', 'u32', 'i64', 'u64'], async (array) => {
      const expected = elements(array).reduce<bigint>((sum, element) => sum + BigInt(element), 0n);
      expect((await session.sum(array as Int32Array)).value).toBe(expected);
    }));

  it('stays within the bound that it promises for floats', () =>
    overArrays(['f32', 'f64'], async (array) => {
      expectSum((await session.sum(array as Float64Array)).value, elements(array) as number[]);
    }));

  it('passes 64 bits', async () => {
    const x = new BigUint64Array(70_000).fill(2n ** 64n - 1n);
    expect((await session.sum(x)).value).toBe(70_000n * (2n ** 64n - 1n));
    const negative = new BigInt64Array(70_000).fill(-(2n ** 63n));
    expect((await session.sum(negative)).value).toBe(70_000n * -(2n ** 63n));
  });
});

describe('mean', () => {
  it('is the sum divided by the count', () =>
    overArrays(elementTypes, async (array) => {
      if (array.length === 0) return;
      const { value } = await session.sum(array);
      expect((await session.mean(array)).value).toBe(Number(value) / array.length);
    }));
});

describe('min and max', () => {
  it('are the ends of the order, and NaN where there is one', () =>
    overArrays(elementTypes, async (array) => {
      if (array.length === 0) return;
      const sorted = elements(array).sort(compare);
      const last = sorted.at(-1);
      const nan = Number.isNaN(last);
      expect((await session.min(array)).value).toBe(nan ? Number.NaN : sorted[0]);
      expect((await session.max(array)).value).toBe(last);
    }));

  it('find NaN wherever it is, and tell the zeros apart', async () => {
    for (const count of [1, 17, 33_000]) {
      for (const at of [0, count >> 1, count - 1]) {
        const x = new Float32Array(count);
        x[at] = Number.NaN;
        expect((await session.min(x)).value).toBeNaN();
        x[at] = -0;
        expect((await session.min(x)).value).toBe(-0);
        expect((await session.max(x)).value).toBe(count === 1 ? -0 : 0);
      }
    }
  });
});

describe('dot and norm', () => {
  it('are exact sums of products for integers', () =>
    overArrays(['i32', 'u32'], async (array, type, shape) => {
      const other = arrayOf(type, { ...shape, seed: shape.seed + 1 });
      const products = elements(array).map((element, i) => BigInt(element) * BigInt(other[i] ?? 0));
      const expected = products.reduce((sum, product) => sum + product, 0n);
      expect((await session.dot(array as Int32Array, other as Int32Array)).value).toBe(expected);
    }));

  it('stay within the bound for floats', () =>
    overArrays(['f32', 'f64'], async (array, type, shape) => {
      const other = arrayOf(type, { ...shape, seed: shape.seed + 1 });
      const products = elements(array).map((element, i) => Number(element) * Number(other[i]));
      expectSum((await session.dot(array as Float64Array, other as Float64Array)).value, products);
    }));

  it('neither overflow nor underflow in a norm', async () => {
    for (const scale of [1e300, 1e-300, 1, 1e-320]) {
      const { value } = await session.norm(new Float64Array([3 * scale, 4 * scale]));
      expect(Math.abs(value / (5 * scale) - 1)).toBeLessThan(scale < 1e-307 ? 1e-3 : 1e-15);
    }
    expect((await session.norm(new Float64Array([-Infinity, 1]))).value).toBe(Infinity);
    expect((await session.norm(new Float64Array([Number.NaN, 1e300]))).value).toBeNaN();
    expect((await session.norm(new Float32Array(0))).value).toBe(0);
    expect((await session.norm(new Int32Array([3, -4]))).value).toBe(5);
  });
});
