// What the tests share.
import fc from 'fast-check';
import type { ElementType, NumericArray } from '../src/index.js';
import { type ComputeFailure, isComputeError } from '../src/index.js';

export const elementTypes: readonly ElementType[] = ['f32', 'f64', 'i32', 'u32', 'i64', 'u64'];

const classes = {
  f32: Float32Array,
  f64: Float64Array,
  i32: Int32Array,
  u32: Uint32Array,
  i64: BigInt64Array,
  u64: BigUint64Array,
};

/** Small and odd sizes, and the edges of the blocks in which the addon works. */
const counts = [0, 1, 2, 3, 7, 31, 32, 33, 100, 1023, 32_767, 32_768, 65_537, 200_001];

/** How an array looks that `arrayOf` makes. */
export interface Shape {
  readonly count: number;
  readonly seed: number;
  /** In elements: views do not begin where their buffer does. */
  readonly offset: number;
  readonly shared: boolean;
  /** Few values repeat often, which is what tells stable sorting from other sorting. */
  readonly spread: 'few' | 'many';
  readonly special: boolean;
}

export const shapes: fc.Arbitrary<Shape> = fc.record({
  count: fc.oneof(fc.constantFrom(...counts), fc.integer({ min: 0, max: 300 })),
  seed: fc.integer({ min: 1 }),
  offset: fc.integer({ min: 0, max: 5 }),
  shared: fc.boolean(),
  spread: fc.constantFrom('few', 'many'),
  special: fc.boolean(),
});

/** Marsaglia, "Xorshift RNGs", 2003. */
export function random(seed: number): () => number {
  let state = seed | 1;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return state >>> 0;
  };
}

const specials: Record<ElementType, readonly (number | bigint)[]> = {
  f32: [Number.NaN, 0, -0, Infinity, -Infinity, 1e-45, -1e-45],
  f64: [Number.NaN, 0, -0, Infinity, -Infinity, 5e-324, -5e-324],
  i32: [0, -1, 2 ** 31 - 1, -(2 ** 31)],
  u32: [0, 1, 2 ** 32 - 1],
  i64: [0n, -1n, 2n ** 63n - 1n, -(2n ** 63n)],
  u64: [0n, 1n, 2n ** 64n - 1n],
};

/** The array that a shape describes. */
export function arrayOf(
  type: ElementType,
  { count, seed, offset, shared, spread, special }: Shape,
): NumericArray {
  const Class = classes[type];
  const bytes = (offset + count) * Class.BYTES_PER_ELEMENT;
  const buffer = (shared ? new SharedArrayBuffer(bytes) : new ArrayBuffer(bytes)) as ArrayBuffer;
  const array = new Class(buffer, offset * Class.BYTES_PER_ELEMENT, count);
  const next = random(seed);
  for (let i = 0; i < count; i++) {
    const bits = next();
    if (special && bits % 5 === 0) array[i] = specials[type][next() % specials[type].length] ?? 0;
    else array[i] = element(type, spread === 'few' ? (bits >>> 8) % 7 : bits, next());
  }
  return array;
}

function element(type: ElementType, bits: number, more: number): number | bigint {
  if (type === 'f32' || type === 'f64') return (bits - 2 ** 31) / 2 ** (more % 40);
  if (type === 'i64') return BigInt.asIntN(64, (BigInt(bits) << 29n) * BigInt((more % 2) * 2 - 1));
  if (type === 'u64') return BigInt(bits) << BigInt(more % 33);
  return type === 'i32' ? bits | 0 : bits;
}

/** The elements as JavaScript has them. */
export function elements(array: NumericArray): (number | bigint)[] {
  return [...(array as Iterable<number | bigint>)];
}

/** The order that sorting promises: numbers, −0 before +0, NaN last. */
export function compare(one: number | bigint, other: number | bigint): number {
  if (Number.isNaN(one) || Number.isNaN(other))
    return Number(Number.isNaN(one)) - Number(Number.isNaN(other));
  if (one < other) return -1;
  if (one > other) return 1;
  return Number(Object.is(other, -0)) - Number(Object.is(one, -0));
}

/** The error that a promise is rejected with. */
export async function rejection(work: Promise<unknown>): Promise<ComputeFailure> {
  try {
    await work;
  } catch (error) {
    if (isComputeError(error)) return error;
    throw error;
  }
  throw new Error('it did not fail');
}
