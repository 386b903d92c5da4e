// Orders of elements.
import {
  checkInteger,
  checkOverlap,
  checkSameType,
  countOf,
  elementTypeOf,
  type NumericArray,
  named,
} from '../arrays.js';
import type { Call, Vector } from '../calls.js';
import { argumentError } from '../errors.js';
import type { SortOptions, SortPairsOptions, VectorOptions } from '../options.js';
import { newResult } from '../result-arrays.js';
import { outputFor, type Result } from './operations.js';
import { Scans } from './scans.js';

/** What the addon has for this family. */
export interface SortCalls {
  readonly sort: Call<[keys: Vector, descending: boolean, out: Vector, count: number]>;
  readonly sortPairs: Call<
    [keys: Vector, values: Vector, descending: boolean, outKeys: Vector, outValues: Vector, count: number]
  >;
  readonly argsort: Call<[keys: Vector, descending: boolean, indices: Uint32Array, count: number]>;
  readonly topK: Call<
    [x: Vector, descending: boolean, values: Vector, indices: Uint32Array, k: number, count: number]
  >;
}

export abstract class Sorts extends Scans {
  /**
   * Ascending: numbers, −0 before +0, then NaN. Descending: the opposite. Every NaN comes out as the quiet one. Takes a copy of
   * the keys, or two where there are more than 10⁸ or many begin with the same bits, and up to 9 MiB for each core.
   */
  async sort<T extends NumericArray>(keys: T, options: SortOptions<T> = {}): Result<T> {
    const { descending = false } = options;
    const type = elementTypeOf(keys, 'keys');
    const { count, out } = outputFor([named('keys', keys)], type, options);
    return this.write('sort', out, options, (start, engine) =>
      engine.sort(...start, keys, descending, out, count),
    );
  }

  /**
   * Sorts keys like `sort`, and values along with them. Stable: equal keys stay in their order, descending too. Takes 8 bytes a
   * pair where both are of 32 bits, else 16; twice that where there are more than 10⁸ or many keys begin with the same bits; and
   * up to 9 MiB for each core.
   */
  async sortPairs<K extends NumericArray, V extends NumericArray>(
    keys: K,
    values: V,
    options: SortPairsOptions<K, V> = {},
  ): Result<{ readonly keys: K; readonly values: V }> {
    const { descending = false, outKeys: givenKeys, outValues: givenValues } = options;
    const inputs = [named('keys', keys), named('values', values)] as const;
    const keyType = elementTypeOf(keys, 'keys');
    const valueType = elementTypeOf(values, 'values');
    const given = [
      ...(givenKeys ? [named('outKeys', givenKeys)] : []),
      ...(givenValues ? [named('outValues', givenValues)] : []),
    ];
    const count = countOf(options.count, [...inputs], given);
    const outKeys = givenKeys ?? (newResult(keyType, count) as K);
    const outValues = givenValues ?? (newResult(valueType, count) as V);
    checkSameType(inputs[0], named('outKeys', outKeys));
    checkSameType(inputs[1], named('outValues', outValues));
    checkOverlap(named('outKeys', outKeys), inputs, count);
    checkOverlap(named('outValues', outValues), inputs, count);
    checkOverlap(named('outKeys', outKeys), [named('outValues', outValues)], count, 'apart');
    return this.write('sortPairs', { keys: outKeys, values: outValues }, options, (start, engine) =>
      engine.sortPairs(...start, keys, values, descending, outKeys, outValues, count),
    );
  }

  /** Where the key that belongs at each place is. Stable, and ordered like `sort`. At most 2³² − 1 keys. */
  async argsort(keys: NumericArray, options: SortOptions<Uint32Array> = {}): Result<Uint32Array> {
    const { descending = false, out: given } = options;
    const input = named('keys', keys);
    elementTypeOf(keys, 'keys');
    const count = countOf(options.count, [input], given ? [named('out', given)] : []);
    const out = given ?? newResult('u32', count);
    if (elementTypeOf(out, 'out') !== 'u32') throw argumentError('out is not a Uint32Array');
    checkOverlap(named('out', out), [input], count);
    return this.write('argsort', out, options, (start, engine) =>
      engine.argsort(...start, keys, descending, out, count),
    );
  }

  /**
   * The `k` greatest elements (with `descending: false` the least), best first, and where they are. Of equal ones those that come first.
   * NaN counts as the greatest.
   */
  async topK<T extends NumericArray>(
    x: T,
    k: number,
    options: VectorOptions & { readonly descending?: boolean } = {},
  ): Result<{ readonly values: T; readonly indices: Uint32Array }> {
    const { descending = true } = options;
    const type = elementTypeOf(x, 'x');
    checkInteger(k, 'k');
    const count = countOf(options.count, [named('x', x)]);
    countOf(k, [named('x', x.subarray(0, count))]);
    const values = newResult(type, k) as T;
    const indices = newResult('u32', k);
    return this.write('topK', { values, indices }, options, (start, engine) =>
      engine.topK(...start, x, descending, values, indices, k, count),
    );
  }
}
