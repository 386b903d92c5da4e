// Every operation, on arrays that a shape describes: for tests that hold for all of them.
import type { ComputeResult, ComputeSession, ElementType, NumericArray } from '../src/index.js';
import { shapedOperations } from './shaped-operations.js';
import { arrayOf, elementTypes, type Shape } from './support.js';

export interface OperationCase {
  readonly name: string;
  readonly types: readonly ElementType[];
  /** Inputs are made anew in each call: the same shape gives the same ones. */
  readonly run: (session: ComputeSession, type: ElementType, shape: Shape) => Promise<ComputeResult<unknown>>;
  /** Of floats, how far two engines may be apart, relative to the greatest number of the result; 0: the same bits. */
  readonly tolerance?: number;
  /** Is an error without elements. */
  readonly needsElements?: boolean;
}

const not64: readonly ElementType[] = ['f32', 'f64', 'i32', 'u32'];

// As TypeScript has them, operations take arrays of one type; here that is known only at run time.
// biome-ignore lint/suspicious/noExplicitAny: see above
type Any = any;

const second = (type: ElementType, shape: Shape) => arrayOf(type, { ...shape, seed: shape.seed + 1 });
const one = (type: ElementType): number | bigint => (type === 'i64' || type === 'u64' ? 3n : 3);

/** Divisors: no integer 0. */
function divisors(type: ElementType, shape: Shape): NumericArray {
  const array = second(type, shape) as Any;
  for (let i = 0; i < array.length; i++) if (!array[i]) array[i] = one(type);
  return array;
}

const unary = (name: 'sum' | 'mean' | 'min' | 'max' | 'norm', types = elementTypes): OperationCase => ({
  name,
  types,
  needsElements: name === 'mean' || name === 'min' || name === 'max',
  run: (session, type, shape) => (session as Any)[name](arrayOf(type, shape)),
});

const binary = (name: 'add' | 'sub' | 'mul' | 'div'): OperationCase => ({
  name,
  types: elementTypes,
  run: (session, type, shape) =>
    (session as Any)[name](
      arrayOf(type, shape),
      name === 'div' ? divisors(type, shape) : second(type, shape),
    ),
});

const sorting = (name: 'sort' | 'argsort'): OperationCase => ({
  name,
  types: elementTypes,
  run: (session, type, shape) =>
    (session as Any)[name](arrayOf(type, shape), { descending: shape.seed % 2 === 0 }),
});

const scanning = (name: 'inclusiveScan' | 'exclusiveScan'): OperationCase => ({
  name,
  types: elementTypes,
  tolerance: 1e-6,
  run: (session, type, shape) => (session as Any)[name](arrayOf(type, { ...shape, special: false })),
});

export const operations: readonly OperationCase[] = [
  unary('sum'),
  unary('mean'),
  unary('min'),
  unary('max'),
  unary('norm', not64),
  {
    name: 'dot',
    types: not64,
    run: (session, type, shape) => session.dot(arrayOf(type, shape) as Any, second(type, shape) as Any),
  },
  binary('add'),
  binary('sub'),
  binary('mul'),
  binary('div'),
  {
    name: 'scale',
    types: elementTypes,
    run: (session, type, shape) => session.scale(arrayOf(type, shape) as Any, one(type) as Any),
  },
  {
    name: 'axpy',
    types: elementTypes,
    run: (session, type, shape) =>
      session.axpy(one(type) as Any, arrayOf(type, shape) as Any, second(type, shape) as Any),
  },
  {
    name: 'fill',
    types: elementTypes,
    run: (session, type, shape) => session.fill(arrayOf(type, shape) as Any, one(type) as Any),
  },
  {
    name: 'cast',
    types: elementTypes,
    run: (session, type, shape) =>
      session.cast(arrayOf(type, shape), elementTypes[shape.seed % elementTypes.length] as ElementType),
  },
  {
    name: 'cast to f16',
    types: elementTypes,
    // What NaN is made of may differ.
    run: async (session, type, shape) => {
      const { value, ...how } = await session.cast(arrayOf(type, shape), 'f16');
      const bits = value as Uint16Array;
      return { ...how, value: bits.map((half) => ((half & 0x7fff) > 0x7c00 ? 0x7e00 : half)) };
    },
  },
  {
    name: 'cast from f16',
    types: elementTypes,
    run: (session, type, shape) => {
      const bits = arrayOf('u32', { ...shape, offset: 0, shared: false, spread: 'many' }) as Uint32Array;
      return session.cast(Uint16Array.from(bits), type);
    },
  },
  scanning('inclusiveScan'),
  scanning('exclusiveScan'),
  {
    name: 'histogram',
    types: elementTypes,
    run: (session, type, shape) =>
      session.histogram(arrayOf(type, shape), { bins: 1 + (shape.seed % 300), min: -100.5, max: 1e9 }),
  },
  sorting('sort'),
  sorting('argsort'),
  {
    name: 'sortPairs',
    types: elementTypes,
    run: (session, type, shape) =>
      session.sortPairs(
        arrayOf(type, shape) as Any,
        second(elementTypes[shape.seed % elementTypes.length] as ElementType, shape) as Any,
      ),
  },
  {
    name: 'topK',
    types: elementTypes,
    run: (session, type, shape) => session.topK(arrayOf(type, shape) as Any, Math.ceil(shape.count / 3)),
  },
  ...shapedOperations,
];

/** Arrays of a result as lists of numbers, one after the other. */
export function numbersOf(value: unknown): (number | bigint)[] {
  if (typeof value === 'number' || typeof value === 'bigint') return [value];
  if (ArrayBuffer.isView(value)) return [...(value as unknown as Iterable<number | bigint>)];
  return Object.values(value as object).flatMap(numbersOf);
}

/** Where two results differ by more than they may, in words; `null` where they do not. */
export function difference(tolerance: number, one: unknown, other: unknown): string | null {
  const [left, right] = [numbersOf(one), numbersOf(other)];
  if (left.length !== right.length) return `${left.length} numbers and ${right.length}`;
  const greatest = left.reduce<number>((most, value) => {
    const magnitude = Math.abs(Number(value));
    return magnitude > most && magnitude < Infinity ? magnitude : most;
  }, 0);
  const exact = tolerance === 0 || typeof left[0] === 'bigint';
  const at = left.findIndex((value, i) => {
    const found = right[i] ?? Number.NaN;
    if (Object.is(value, found)) return false;
    return exact || !(Math.abs(Number(value) - Number(found)) <= tolerance * greatest);
  });
  return at < 0 ? null : `${left[at]} and ${right[at]} at ${at} of ${left.length}`;
}
