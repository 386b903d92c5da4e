// Systems of linear equations.
import { checkSameType, elementTypeOf, type FloatArray, named } from '../arrays.js';
import type { Call, MatrixCall } from '../calls.js';
import { checkFloats, checkShape, type Matrix, matrixArguments, outputMatrix } from '../matrix.js';
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
    checkFloats(checkSameType(...inputs));
    const left = matrixArguments(a, 'a');
    const right = matrixArguments(b, 'b');
    checkShape(a, 'a', a.rows, a.rows);
    checkShape(b, 'b', a.rows, b.columns);
    const { out, output } = outputMatrix(options.out, inputs, a.rows, b.columns);
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
    checkFloats(elementTypeOf(a.data, 'a.data'));
    const input = matrixArguments(a, 'a');
    checkShape(a, 'a', a.rows, a.rows);
    const { out, output } = outputMatrix(options.out, [named('a.data', a.data)], a.rows, a.rows);
    return this.write('inverse', out, options, (start, engine) =>
      engine.inverse(...start, ...input, ...output),
    );
  }
}
