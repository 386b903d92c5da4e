// Systems of linear equations.
import { checkOverlap, checkSameType, elementTypeOf, type FloatArray, named } from '../arrays.js';
import type { Call, MatrixCall } from '../calls.js';
import { checkFloats, checkShape, type Matrix, matrixArguments, newMatrix } from '../matrix.js';
import type { MatrixOptions } from '../options.js';
import { Batches } from './batches.js';
import type { Result } from './operations.js';

/** What the addon has for this family. */
export interface LinearSystemCalls {
  readonly solve: Call<[...a: MatrixCall, ...b: MatrixCall, ...out: MatrixCall]>;
  readonly inverse: Call<[...a: MatrixCall, ...out: MatrixCall]>;
}

export abstract class LinearSystems extends Batches {
  /**
   * The x with a × x = b, for all columns of b: by LU decomposition with partial pivoting in the type of the elements, whose backward error
   * is of the order of n × 2⁻²⁴ (f32) or n × 2⁻⁵³ (f64) of ‖a‖ ‖x‖ unless the elements grow on the way. Takes a copy of `a`.
   *
   * @throws ComputeError ERR_VGPU_COMPUTE_SINGULAR, naming the pivot, where one is exactly 0
   */
  async solve<T extends FloatArray>(
    a: Matrix<T>,
    b: Matrix<T>,
    options: MatrixOptions<T> = {},
  ): Result<Matrix<T>> {
    const inputs = [named('a.data', a.data), named('b.data', b.data)] as const;
    const type = checkSameType(...inputs);
    checkFloats(type);
    const left = matrixArguments(a, 'a');
    const right = matrixArguments(b, 'b');
    checkShape(a, 'a', a.rows, a.rows);
    checkShape(b, 'b', a.rows, b.columns);
    const out = options.out ?? newMatrix<T>(type, a.rows, b.columns);
    checkSameType(inputs[0], named('out.data', out.data));
    checkShape(out, 'out', a.rows, b.columns);
    const output = matrixArguments(out, 'out');
    checkOverlap(named('out.data', out.data), inputs, Infinity, 'apart');
    return this.write('solve', out, options, (start, engine) =>
      engine.solve(...start, ...left, ...right, ...output),
    );
  }

  /**
   * What `solve` gives for the columns of the unit matrix.
   *
   * @throws ComputeError ERR_VGPU_COMPUTE_SINGULAR, naming the pivot, where one is exactly 0
   */
  async inverse<T extends FloatArray>(a: Matrix<T>, options: MatrixOptions<T> = {}): Result<Matrix<T>> {
    const type = elementTypeOf(a.data, 'a.data');
    checkFloats(type);
    const input = matrixArguments(a, 'a');
    checkShape(a, 'a', a.rows, a.rows);
    const out = options.out ?? newMatrix<T>(type, a.rows, a.rows);
    checkSameType(named('a.data', a.data), named('out.data', out.data));
    checkShape(out, 'out', a.rows, a.rows);
    const output = matrixArguments(out, 'out');
    checkOverlap(named('out.data', out.data), [named('a.data', a.data)], Infinity, 'apart');
    return this.write('inverse', out, options, (start, engine) =>
      engine.inverse(...start, ...input, ...output),
    );
  }
}
