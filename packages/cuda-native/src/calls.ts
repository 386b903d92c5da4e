// How the addon's operations are called.
import type { NumericArray } from './arrays.js';

/** How an operation ended. */
export interface NativeResult {
  readonly value: number | bigint | undefined;
  /** The most memory that it had for itself. */
  readonly memoryBytes: number;
  /** Of all arrays that it was given. */
  readonly arrayBytes: number;
}

/** What each call begins with: the first element becomes 1 to stop the operation; how many bytes it may take for itself. */
export type NativeStart = [stop: Int32Array, memoryLimit: number];

/** Checks its arguments again, and throws or rejects with a NativeError. */
export type Call<Arguments extends unknown[]> = (
  ...all: [...NativeStart, ...Arguments]
) => Promise<NativeResult>;
export type Vector = NumericArray;
export type MatrixCall = [data: Vector, rows: number, columns: number, stride: number];
export type Binary = Call<[x: Vector, y: Vector, out: Vector, count: number]>;
export type Unary = Call<[x: Vector, out: Vector, count: number]>;
