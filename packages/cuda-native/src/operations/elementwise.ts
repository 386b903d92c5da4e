// Arrays become an array, element by element.
import {
  type ArrayOf,
  checkOverlap,
  checkSameType,
  countOf,
  type ElementType,
  elementTypeOf,
  named,
  newArray,
  type NumericArray,
  type ScalarOf,
} from '../arrays.js';
import type { Binary, Call, Unary, Vector } from '../calls.js';
import { argumentError } from '../errors.js';
import type { OutputOptions, VectorOptions } from '../options.js';
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
   * nearest one, and NaN becomes 0. Integers wrap around in smaller ones. Everything else is rounded to nearest.
   */
  async cast<Type extends ElementType>(
    x: NumericArray,
    type: Type,
    options: OutputOptions<ArrayOf[Type]> = {},
  ): Result<ArrayOf[Type]> {
    const input = named('x', x);
    elementTypeOf(x, 'x');
    const { out: given } = options;
    const count = countOf(options.count, [input], given ? [named('out', given)] : []);
    const out = given ?? newArray(type, count);
    if (elementTypeOf(out, 'out') !== type) throw argumentError(`out has no elements of ${type}`);
    checkOverlap(named('out', out), [input], count);
    return this.write('cast', out, options, (start, engine) => engine.cast(...start, x, out, count));
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
