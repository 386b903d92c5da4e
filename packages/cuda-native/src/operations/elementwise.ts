// Arrays become an array, element by element.
import {
  type ArrayOf,
  checkFixed,
  checkOverlap,
  checkSameType,
  countOf,
  type ElementType,
  elementTypeOf,
  type NumericArray,
  named,
  type ScalarOf,
} from '../arrays.js';
import type { Binary, Call, Unary, Vector } from '../calls.js';
import { argumentError } from '../errors.js';
import type { OutputOptions, VectorOptions } from '../options.js';
import { newResult } from '../result-arrays.js';
import { checkScalar } from '../scalars.js';
import { outputFor, type Result } from './operations.js';
import { Reductions } from './reductions.js';

/** What the addon has for this family. */
export interface ElementwiseCalls {
  readonly add: Binary;
  readonly sub: Binary;
  readonly mul: Binary;
  readonly div: Binary;
  readonly scale: Call<[x: Vector, factor: number | bigint, out: Vector, count: number]>;
  readonly axpy: Call<[alpha: number | bigint, x: Vector, y: Vector, out: Vector, count: number]>;
  readonly fill: Call<[value: number | bigint, out: Vector, count: number]>;
  readonly cast: Unary;
  readonly toHalf: Call<[x: Vector, out: Uint16Array, count: number]>;
  readonly fromHalf: Call<[x: Uint16Array, out: Vector, count: number]>;
}

/** Elements of f16: their bits in a Uint16Array, or a Float16Array where there is one. */
export type HalfArray = Uint16Array | Float16Storage;

/** A Float16Array, which not every Node.js and no older TypeScript has. */
interface Float16Storage extends ArrayBufferView {
  readonly length: number;
  readonly BYTES_PER_ELEMENT: number;
  readonly [Symbol.toStringTag]: 'Float16Array';
}

function isHalfArray(array: ArrayBufferView): array is HalfArray {
  const tag = ArrayBuffer.isView(array) ? Reflect.get(array, Symbol.toStringTag) : undefined;
  return tag === 'Uint16Array' || tag === 'Float16Array';
}

/** The same memory. @throws ComputeError ERR_VGPU_COMPUTE_ARGUMENT */
function bitsOf(array: HalfArray, name: string): Uint16Array {
  checkFixed(array, name);
  return new Uint16Array(array.buffer, array.byteOffset, array.length);
}

export abstract class Elementwise extends Reductions {
  /** x + y. Integers wrap around. */
  async add<T extends NumericArray>(x: T, y: T, options: OutputOptions<T> = {}): Result<T> {
    return this.#binary('add', x, y, options);
  }

  /** x − y. Integers wrap around. */
  async sub<T extends NumericArray>(x: T, y: T, options: OutputOptions<T> = {}): Result<T> {
    return this.#binary('sub', x, y, options);
  }

  /** x × y, element by element. Integers wrap around. */
  async mul<T extends NumericArray>(x: T, y: T, options: OutputOptions<T> = {}): Result<T> {
    return this.#binary('mul', x, y, options);
  }

  /**
   * x ÷ y; integers towards 0.
   *
   * @throws ComputeError ERR_VGPU_COMPUTE_DIVISION_BY_ZERO, naming the first integer divisor that is 0
   */
  async div<T extends NumericArray>(x: T, y: T, options: OutputOptions<T> = {}): Result<T> {
    return this.#binary('div', x, y, options);
  }

  /** x × factor. The factor becomes a number of the array's type first, as `cast` does it. */
  async scale<T extends NumericArray>(x: T, factor: ScalarOf<T>, options: OutputOptions<T> = {}): Result<T> {
    const type = elementTypeOf(x, 'x');
    checkScalar(factor, type, 'factor');
    const { count, out } = outputFor([named('x', x)], type, options);
    return this.write('scale', out, options, (start, engine) =>
      engine.scale(...start, x, factor, out, count),
    );
  }

  /** alpha × x + y, rounded after the product and after the sum. Integers wrap around. */
  async axpy<T extends NumericArray>(
    alpha: ScalarOf<T>,
    x: T,
    y: T,
    options: OutputOptions<T> = {},
  ): Result<T> {
    const inputs = [named('x', x), named('y', y)] as const;
    const type = checkSameType(...inputs);
    checkScalar(alpha, type, 'alpha');
    const { count, out } = outputFor([...inputs], type, options);
    return this.write('axpy', out, options, (start, engine) =>
      engine.axpy(...start, alpha, x, y, out, count),
    );
  }

  /** Sets all elements, or the first `count`. Gives `out` back. */
  async fill<T extends NumericArray>(out: T, value: ScalarOf<T>, options: VectorOptions = {}): Result<T> {
    checkScalar(value, elementTypeOf(out, 'out'), 'value');
    const count = countOf(options.count, [named('out', out)]);
    return this.write('fill', out, options, (start, engine) => engine.fill(...start, value, out, count));
  }

  /**
   * The same numbers in another type. Floats that become integers are cut towards 0; beyond the integers' range they become the
   * nearest one, and NaN becomes 0. Integers wrap around in smaller ones. Everything else is rounded to nearest, ties to even. f16 is for
   * storage: it can be cast to and from every other type.
   */
  async cast<Type extends ElementType>(
    x: NumericArray | HalfArray,
    type: Type,
    options?: OutputOptions<ArrayOf[Type]>,
  ): Result<ArrayOf[Type]>;
  async cast(
    x: NumericArray,
    type: 'f16',
    options?: VectorOptions & { readonly out?: HalfArray },
  ): Result<HalfArray>;
  async cast(
    x: NumericArray | HalfArray,
    type: ElementType | 'f16',
    options: VectorOptions & { readonly out?: NumericArray | HalfArray } = {},
  ): Result<NumericArray | HalfArray> {
    if (type === 'f16') return this.#castToHalf(x as NumericArray, options);
    const half = isHalfArray(x);
    if (!half) elementTypeOf(x, 'x');
    const { out: given } = options;
    const count = countOf(
      options.count,
      [{ name: 'x', array: x }],
      given ? [{ name: 'out', array: given }] : [],
    );
    const out = (given ?? newResult(type, count)) as NumericArray;
    if (elementTypeOf(out, 'out') !== type) throw argumentError(`out has no elements of ${type}`);
    checkOverlap(named('out', out), [{ name: 'x', array: x }], count, half ? 'apart' : 'same-or-apart');
    return this.write('cast', out, options, (start, engine) =>
      half ? engine.fromHalf(...start, bitsOf(x, 'x'), out, count) : engine.cast(...start, x, out, count),
    );
  }

  async #castToHalf(
    x: NumericArray,
    options: VectorOptions & { readonly out?: NumericArray | HalfArray },
  ): Result<HalfArray> {
    elementTypeOf(x, 'x');
    const { out: given } = options;
    const count = countOf(options.count, [named('x', x)], given ? [{ name: 'out', array: given }] : []);
    const out = given ?? new Uint16Array(count);
    if (!isHalfArray(out)) throw argumentError('out is neither a Uint16Array nor a Float16Array');
    checkOverlap({ name: 'out', array: out }, [named('x', x)], count, 'apart');
    return this.write('cast', out, options, (start, engine) =>
      engine.toHalf(...start, x, bitsOf(out, 'out'), count),
    );
  }

  async #binary<T extends NumericArray>(
    name: 'add' | 'sub' | 'mul' | 'div',
    x: T,
    y: T,
    options: OutputOptions<T>,
  ): Result<T> {
    const inputs = [named('x', x), named('y', y)] as const;
    const type = checkSameType(...inputs);
    const { count, out } = outputFor([...inputs], type, options);
    return this.write(name, out, options, (start, engine) => engine[name](...start, x, y, out, count));
  }
}
