// Sorting, against JavaScript's own, which is stable.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createSession, type NumericArray } from '../src/index.js';
import { arrayOf, compare, elements, elementTypes, shapes } from './support.js';

const session = await createSession({ device: 'cpu' });
type Scalar = number | bigint;

/** The indices in the order in which their keys belong. */
function order(keys: NumericArray, descending: boolean): number[] {
  const list = elements(keys);
  const key = (i: number): Scalar => list[i] ?? 0;
  return [...list.keys()].sort((i, j) => (descending ? compare(key(j), key(i)) : compare(key(i), key(j))));
}

const overArrays = (test: (keys: NumericArray, descending: boolean) => Promise<void>) =>
  fc.assert(
    fc.asyncProperty(fc.constantFrom(...elementTypes), shapes, fc.boolean(), (type, shape, descending) =>
      test(arrayOf(type, shape), descending),
    ),
    { numRuns: 50 },
  );

describe('sort', () => {
  it('orders like JavaScript does', () =>
    overArrays(async (keys, descending) => {
      const expected = order(keys, descending).map((i) => keys[i]);
      expect(elements((await session.sort(keys, { descending })).value)).toEqual(expected);
      expect(elements((await session.sort(keys, { descending, out: keys })).value)).toEqual(expected);
    }));

  it.each([
    ['all equal', () => 7],
    ['in order', (i: number) => i],
    ['in the opposite order', (i: number) => 3_000_000 - i],
    ['all but one equal', (i: number) => (i === 1_234_567 ? 2 ** 31 : 5)],
    ['in the low digits only', (i: number) => (i * 2_654_435_761) % 251],
    ['in the high digit only', (i: number) => ((i * 40_503) % 256) * 2 ** 24],
    ['half of them equal', (i: number) => (i % 2 ? 9 : (i * 2_654_435_761) % 2 ** 32)],
  ])('large arrays, %s', async (_name, element) => {
    const keys = Uint32Array.from({ length: 2_000_000 }, (_, i) => element(i));
    expect(Buffer.compare(bytes((await session.sort(keys)).value), bytes(keys.slice().sort()))).toBe(0);
    const wide = BigUint64Array.from(keys, (key) => BigInt(key) * 2n ** 20n);
    expect(Buffer.compare(bytes((await session.sort(wide)).value), bytes(wide.slice().sort()))).toBe(0);
  });
});

const bytes = (array: NumericArray) => Buffer.from(array.buffer, array.byteOffset, array.byteLength);

describe('sortPairs and argsort', () => {
  it('keep equal keys in their order, in both directions', () =>
    fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...elementTypes),
        fc.constantFrom(...elementTypes),
        shapes,
        fc.boolean(),
        async (keyType, valueType, shape, descending) => {
          const keys = arrayOf(keyType, shape);
          const values = arrayOf(valueType, {
            ...shape,
            seed: shape.seed + 1,
            special: false,
            spread: 'many',
          });
          const expected = order(keys, descending);
          const { value: sorted } = await session.sortPairs(keys, values, { descending });
          expect(elements(sorted.keys)).toEqual(expected.map((i) => keys[i]));
          expect(elements(sorted.values)).toEqual(expected.map((i) => values[i]));
          expect([...(await session.argsort(keys, { descending })).value]).toEqual(expected);
          await session.sortPairs(keys, values, { descending, outKeys: keys, outValues: values });
          expect(elements(values)).toEqual(elements(sorted.values));
        },
      ),
      { numRuns: 50 },
    ));

  it('is stable on a large array', async () => {
    const count = 1_500_000;
    const keys = Uint32Array.from({ length: count }, (_, i) => Math.imul(i, 2_654_435_761) >>> 22);
    const { value } = await session.sortPairs(keys, Uint32Array.from(keys.keys()));
    const wrong = value.values.findIndex((index, i) => {
      if (i === 0) return keys[index] !== value.keys[0];
      const [key, before] = [value.keys[i] ?? 0, value.keys[i - 1] ?? 0];
      return keys[index] !== key || before > key || (before === key && (value.values[i - 1] ?? 0) >= index);
    });
    expect(wrong).toBe(-1);
  });
});

describe('topK', () => {
  it('takes the first of the order', () =>
    fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...elementTypes),
        shapes,
        fc.nat(40),
        fc.boolean(),
        async (type, shape, most, descending) => {
          const x = arrayOf(type, shape);
          const k = Math.min(most, x.length);
          const expected = order(x, descending).slice(0, k);
          const { value } = await session.topK(x, k, { descending });
          expect([...value.indices]).toEqual(expected);
          expect(elements(value.values)).toEqual(expected.map((i) => x[i]));
        },
      ),
      { numRuns: 50 },
    ));
});
