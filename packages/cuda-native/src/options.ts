// What operations can be told.
import type { NumericArray } from './arrays.js';
import type { Matrix } from './matrix.js';
import type { OperationOptions } from './runner.js';

/** For operations on vectors. */
export interface VectorOptions extends OperationOptions {
  /** How many elements, from the first; all by default. */
  readonly count?: number;
}

/** For operations that write as many elements as they read. */
export interface OutputOptions<T extends NumericArray> extends VectorOptions {
  /** Where to: an input itself, or memory that is no input's. A new array by default. */
  readonly out?: T;
}

export interface SortOptions<T extends NumericArray> extends OutputOptions<T> {
  readonly descending?: boolean;
}

export interface SortPairsOptions<K extends NumericArray, V extends NumericArray> extends VectorOptions {
  readonly descending?: boolean;
  readonly outKeys?: K;
  readonly outValues?: V;
}

export interface HistogramOptions extends VectorOptions {
  /** How many intervals. */
  readonly bins: number;
  /** Where the first one begins; finite, like `max`. */
  readonly min: number;
  /** Where the last one ends. */
  readonly max: number;
}

export interface MatrixOptions<T extends NumericArray> extends OperationOptions {
  /** Where to; it overlaps no input. A new array by default. */
  readonly out?: Matrix<T>;
}
