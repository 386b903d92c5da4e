// Products and shapes of matrices.
import { checkOverlap, checkSameType, countOf, type NumericArray, named } from '../arrays.js';
import type { Call, MatrixCall, Vector } from '../calls.js';
import { checkShape, type Matrix, matrixArguments, outputMatrix } from '../matrix.js';
import type { MatrixOptions } from '../options.js';
import { newResult } from '../result-arrays.js';
import type { OperationOptions } from '../runner.js';
import type { Result } from './operations.js';
import { Sorts } from './sorts.js';

/** What the addon has for this family. */
export interface MatrixCalls {
  readonly matmul: Call<[...a: MatrixCall, ...b: MatrixCall, ...out: MatrixCall]>;
  readonly matvec: Call<[...a: MatrixCall, x: Vector, y: Vector]>;
  readonly transpose: Call<[...a: MatrixCall, ...out: MatrixCall]>;
}

export abstract class Matrices extends Sorts {
  /**
   * a × b. Floats by OpenBLAS where `libopenblas.so.0` is installed, else by a kernel of our own; each element has an error of about
   * k × 2⁻²⁴ (f32) or k × 2⁻⁵³ (f64) of the sum of its k products’ magnitudes. A `signal` is heeded before it begins, not on its way.
   * What it packs into the cache, some MiB for each core, stays and does not count for `memoryLimit`.
   *
   * Integers by a kernel of our own: modulo 2³² or 2⁶⁴, and a `signal` is heeded on the way. They take nothing that grows.
   */
  async matmul<T extends NumericArray>(
    a: Matrix<T>,
    b: Matrix<T>,
    options: MatrixOptions<T> = {},
  ): Result<Matrix<T>> {
    const inputs = [named('a.data', a.data), named('b.data', b.data)] as const;
    checkSameType(...inputs);
    const left = matrixArguments(a, 'a');
    const right = matrixArguments(b, 'b');
    checkShape(b, 'b', a.columns, b.columns);
    const { out, output } = outputMatrix(options.out, inputs, a.rows, b.columns);
    return this.write('matmul', out, options, (start, engine) =>
      engine.matmul(...start, ...left, ...right, ...output),
    );
  }

  /** a × x: each element a `dot` of a row, of integers modulo 2³² or 2⁶⁴. */
  async matvec<T extends NumericArray>(
    a: Matrix<T>,
    x: T,
    options: OperationOptions & { readonly out?: T } = {},
  ): Result<T> {
    const type = checkSameType(named('a.data', a.data), named('x', x));
    const matrix = matrixArguments(a, 'a');
    countOf(a.columns, [named('x', x)]);
    const out = options.out ?? (newResult(type, a.rows) as T);
    checkSameType(named('a.data', a.data), named('out', out));
    countOf(a.rows, [named('out', out)]);
    checkOverlap(named('out', out), [named('a.data', a.data), named('x', x)], Infinity, 'apart');
    return this.write('matvec', out, options, (start, engine) => engine.matvec(...start, ...matrix, x, out));
  }

  /** Rows become columns. */
  async transpose<T extends NumericArray>(a: Matrix<T>, options: MatrixOptions<T> = {}): Result<Matrix<T>> {
    const input = matrixArguments(a, 'a');
    const { out, output } = outputMatrix(options.out, [named('a.data', a.data)], a.columns, a.rows);
    return this.write('transpose', out, options, (start, engine) =>
      engine.transpose(...start, ...input, ...output),
    );
  }
}
