// Matrices by rows, in typed arrays.
import {
  checkInteger,
  checkOverlap,
  checkSameType,
  type ElementType,
  elementTypeOf,
  type Named,
  type NumericArray,
  named,
} from './arrays.js';
import { argumentError, CapacityError } from './errors.js';
import { newResult } from './result-arrays.js';

/** A matrix by rows: row i begins at element i × stride of `data`. */
export interface Matrix<T extends NumericArray> {
  readonly data: T;
  readonly rows: number;
  readonly columns: number;
  /** In elements; `columns` by default, and not less. */
  readonly stride?: number;
}

/** A matrix as the addon takes it. */
export type MatrixArguments<T extends NumericArray> = [
  data: T,
  rows: number,
  columns: number,
  stride: number,
];

/**
 * @throws ComputeError ERR_VGPU_COMPUTE_ARGUMENT for numbers that make no sense
 * @throws CapacityError where the matrix reaches beyond its array
 */
export function matrixArguments<T extends NumericArray>(matrix: Matrix<T>, name: string): MatrixArguments<T> {
  const { data, rows, columns, stride = columns } = matrix;
  checkInteger(rows, `${name}.rows`);
  checkInteger(columns, `${name}.columns`);
  checkInteger(stride, `${name}.stride`);
  if (stride < columns) {
    throw argumentError(`the rows of ${name} overlap: ${columns} columns, and a stride of ${stride}`, {
      columns,
      stride,
    });
  }
  const needed = rows === 0 || columns === 0 ? 0 : (rows - 1) * stride + columns;
  if (needed > data.length) throw new CapacityError(`${name}.data`, needed, data.length);
  return [data, rows, columns, stride];
}

/** @throws ComputeError ERR_VGPU_COMPUTE_ARGUMENT */
export function checkShape(matrix: Matrix<NumericArray>, name: string, rows: number, columns: number): void {
  if (matrix.rows === rows && matrix.columns === columns) return;
  throw argumentError(
    `${name} has ${matrix.rows} × ${matrix.columns} elements where ${rows} × ${columns} belong`,
    { rows: matrix.rows, columns: matrix.columns, expectedRows: rows, expectedColumns: columns },
  );
}

/** For a result: holds anything. */
export function newMatrix<T extends NumericArray>(
  type: ElementType,
  rows: number,
  columns: number,
): Matrix<T> {
  return { data: newResult(type, rows * columns) as T, rows, columns };
}

/**
 * The matrix to write to, with the type of the first input and apart from all of them, and how the addon takes it.
 *
 * @throws ComputeError ERR_VGPU_COMPUTE_ARGUMENT, ERR_VGPU_COMPUTE_OVERLAP, CapacityError
 */
export function outputMatrix<T extends NumericArray>(
  given: Matrix<T> | undefined,
  inputs: readonly [Named, ...Named[]],
  rows: number,
  columns: number,
): { readonly out: Matrix<T>; readonly output: MatrixArguments<T> } {
  const [first] = inputs;
  const out = given ?? newMatrix<T>(elementTypeOf(first.array, first.name), rows, columns);
  const data = named('out.data', out.data);
  checkSameType(first, data);
  checkShape(out, 'out', rows, columns);
  const output = matrixArguments(out, 'out');
  checkOverlap(data, inputs, Infinity, 'apart');
  return { out, output };
}

/** @throws ComputeError ERR_VGPU_COMPUTE_ARGUMENT */
export function checkFloats(type: ElementType): void {
  if (type === 'f32' || type === 'f64') return;
  throw argumentError(`elements of ${type}: this operation takes only f32 and f64`, { type });
}
