// Arrays become one number.
import {
  checkSameType,
  countOf,
  elementTypeOf,
  type FloatArray,
  type Integer32Array,
  type NumericArray,
  named,
  type ScalarOf,
} from '../arrays.js';
import type { Call, Vector } from '../calls.js';
import { argumentError } from '../errors.js';
import type { VectorOptions } from '../options.js';
import { Operations, type Result } from './operations.js';

type Reduce = Call<[x: Vector, count: number]>;

/** What the addon has for this family. */
export interface ReductionCalls {
  readonly sum: Reduce;
  readonly mean: Reduce;
  readonly min: Reduce;
  readonly max: Reduce;
  readonly norm: Reduce;
  readonly dot: Call<[x: Vector, y: Vector, count: number]>;
}

/** What sums of integers are: exact. */
type Total<T extends NumericArray> = T extends FloatArray ? number : bigint;

export abstract class Reductions extends Operations {
  /**
   * Exact for integers, as a bigint. Floats are summed in double: the error is below 2⁻⁵³ × (1030 + log₂ n) Σ|x|, and the bits are
   * the same whatever the number of cores. 0 without elements.
   */
  async sum<T extends NumericArray>(x: T, options: VectorOptions = {}): Result<Total<T>> {
    return this.#reduce('sum', x, options);
  }

  /** The sum as a double, divided by the number of elements, of which there is one at least. */
  async mean(x: NumericArray, options: VectorOptions = {}): Result<number> {
    return this.#reduce('mean', x, options);
  }

  /** NaN if there is one; −0 is less than +0. There is one element at least. A bigint for 64-bit integers. */
  async min<T extends NumericArray>(x: T, options: VectorOptions = {}): Result<ScalarOf<T>> {
    return this.#extreme('min', x, options);
  }

  /** NaN if there is one; +0 is greater than −0. There is one element at least. A bigint for 64-bit integers. */
  async max<T extends NumericArray>(x: T, options: VectorOptions = {}): Result<ScalarOf<T>> {
    return this.#extreme('max', x, options);
  }

  /** The Euclidean norm. It neither overflows nor underflows where the result does not. */
  async norm(x: FloatArray | Integer32Array, options: VectorOptions = {}): Result<number> {
    return this.#reduce('norm', x, options);
  }

  /** The sum of products: exact for integers, as a bigint; of floats in double, as accurate as `sum`. */
  async dot<T extends FloatArray | Integer32Array>(
    x: T,
    y: T,
    options: VectorOptions = {},
  ): Result<Total<T>> {
    const inputs = [named('x', x), named('y', y)] as const;
    checkSameType(...inputs);
    const count = countOf(options.count, [...inputs]);
    const result = await this.run('dot', (start, engine) => engine.dot(...start, x, y, count), options);
    return { ...result, value: result.value.value as Total<T> };
  }

  async #reduce<Value>(
    name: 'sum' | 'mean' | 'min' | 'max' | 'norm',
    x: NumericArray,
    options: VectorOptions,
  ): Result<Value> {
    elementTypeOf(x, 'x');
    const count = countOf(options.count, [named('x', x)]);
    if (count === 0 && name !== 'sum' && name !== 'norm') throw argumentError(`${name} of no elements`);
    const result = await this.run(name, (start, engine) => engine[name](...start, x, count), options);
    return { ...result, value: result.value.value as Value };
  }

  async #extreme<T extends NumericArray>(
    name: 'min' | 'max',
    x: T,
    options: VectorOptions,
  ): Result<ScalarOf<T>> {
    const result = await this.#reduce<number | bigint>(name, x, options);
    const { value } = result;
    const isLong = x[Symbol.toStringTag].startsWith('Big');
    return { ...result, value: (isLong ? value : Number(value)) as ScalarOf<T> };
  }
}
