// Matrices for tests, and what JavaScript makes of them.
import type { FloatArray, Matrix } from '../src/index.js';
import { random } from './support.js';

/** Small multiples of 1/4: their products and sums are exact. What lies between the rows is NaN. */
export function matrixOf(
  double: boolean,
  rows: number,
  columns: number,
  gap: number,
  seed: number,
): Matrix<FloatArray> {
  const stride = columns + gap;
  const data = (double ? new Float64Array(rows * stride) : new Float32Array(rows * stride)).fill(Number.NaN);
  const next = random(seed);
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) data[row * stride + column] = ((next() % 17) - 8) / 4;
  }
  return { data, rows, columns, stride };
}

export const at = ({ data, columns, stride = columns }: Matrix<FloatArray>, row: number, column: number) =>
  data[row * stride + column] ?? Number.NaN;

export function product(a: Matrix<FloatArray>, b: Matrix<FloatArray>): number[] {
  const elements: number[] = [];
  for (let row = 0; row < a.rows; row++) {
    for (let column = 0; column < b.columns; column++) {
      let sum = 0;
      for (let i = 0; i < a.columns; i++) sum += at(a, row, i) * at(b, i, column);
      elements.push(sum);
    }
  }
  return elements;
}
