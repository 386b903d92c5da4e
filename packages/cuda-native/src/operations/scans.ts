// Running sums, and counts by interval.
import { checkInteger, countOf, elementTypeOf, type NumericArray, named } from '../arrays.js';
import type { Call, Unary, Vector } from '../calls.js';
import { argumentError } from '../errors.js';
import type { HistogramOptions, OutputOptions } from '../options.js';
import { newResult } from '../result-arrays.js';
import { Elementwise } from './elementwise.js';
import { outputFor, type Result } from './operations.js';

/** What the addon has for this family. */
export interface ScanCalls {
  readonly inclusiveScan: Unary;
  readonly exclusiveScan: Unary;
  readonly histogram: Call<[x: Vector, low: number, high: number, counts: Uint32Array, count: number]>;
}

export abstract class Scans extends Elementwise {
  /** Running sums, each with its own element. Integers wrap around; floats are summed in double. */
  async inclusiveScan<T extends NumericArray>(x: T, options: OutputOptions<T> = {}): Result<T> {
    return this.#unary('inclusiveScan', x, options);
  }

  /** Running sums of the elements before each one. */
  async exclusiveScan<T extends NumericArray>(x: T, options: OutputOptions<T> = {}): Result<T> {
    return this.#unary('exclusiveScan', x, options);
  }

  /**
   * How many elements lie in each of `bins` equal intervals from `min` to `max`. Each has its lower end, the last one both. What
   * lies outside, and NaN, is not counted. Each core takes 4 × bins bytes.
   */
  async histogram(x: NumericArray, options: HistogramOptions): Result<Uint32Array> {
    const { bins, min, max } = options;
    elementTypeOf(x, 'x');
    checkInteger(bins, 'bins', 1);
    if (!(min < max) || !Number.isFinite(max - min)) {
      throw argumentError(`there is no interval from ${min} to ${max}`, { min, max });
    }
    const count = countOf(options.count, [named('x', x)]);
    const counts = newResult('u32', bins);
    return this.write('histogram', counts, options, (start, engine) =>
      engine.histogram(...start, x, min, max, counts, count),
    );
  }

  async #unary<T extends NumericArray>(
    name: 'inclusiveScan' | 'exclusiveScan',
    x: T,
    options: OutputOptions<T>,
  ): Result<T> {
    const { count, out } = outputFor([named('x', x)], elementTypeOf(x, 'x'), options);
    return this.write(name, out, options, (start, engine) => engine[name](...start, x, out, count));
  }
}
