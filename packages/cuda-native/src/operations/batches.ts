// Many products of matrices at once.
import { checkInteger, checkOverlap, checkSameType, countOf, type NumericArray, named } from '../arrays.js';
import type { Call, MatrixCall, Vector } from '../calls.js';
import { argumentError, CapacityError } from '../errors.js';
import { checkShape, type Matrix, matrixArguments } from '../matrix.js';
import { newResult } from '../result-arrays.js';
import type { OperationOptions } from '../runner.js';
import { Matrices } from './matrices.js';
import type { Result } from './operations.js';

type BatchCall = [...first: MatrixCall, count: number, step: number];

/** What the addon has for this family. */
export interface BatchCalls {
  readonly matmulBatch: Call<[...a: BatchCall, ...b: BatchCall, ...out: BatchCall]>;
  readonly matvecBatch: Call<[...a: BatchCall, x: Vector, y: Vector]>;
}

/** Matrices of one shape in one array. */
export interface MatrixBatch<T extends NumericArray> extends Matrix<T> {
  /** How many matrices. */
  readonly count: number;
  /** From the beginning of one to the next, in elements; rows × stride by default. No matrix reaches into the next. */
  readonly step?: number;
}

export abstract class Batches extends Matrices {
  /** a[i] × b[i] for each i, as `matmul` does it; faster than one call for each where the matrices are small. */
  async matmulBatch<T extends NumericArray>(
    a: MatrixBatch<T>,
    b: MatrixBatch<T>,
    options: OperationOptions & { readonly out?: MatrixBatch<T> } = {},
  ): Result<MatrixBatch<T>> {
    const inputs = [named('a.data', a.data), named('b.data', b.data)] as const;
    const type = checkSameType(...inputs);
    const left = batchArguments(a, 'a');
    const right = batchArguments(b, 'b');
    checkShape(b, 'b', a.columns, b.columns);
    checkCount(b, 'b', a.count);
    const out = options.out ?? {
      data: newResult(type, a.count * a.rows * b.columns) as T,
      rows: a.rows,
      columns: b.columns,
      count: a.count,
    };
    checkSameType(inputs[0], named('out.data', out.data));
    checkShape(out, 'out', a.rows, b.columns);
    checkCount(out, 'out', a.count);
    const output = batchArguments(out, 'out');
    checkOverlap(named('out.data', out.data), inputs, Infinity, 'apart');
    return this.write('matmulBatch', out, options, (start, engine) =>
      engine.matmulBatch(...start, ...left, ...right, ...output),
    );
  }

  /** a[i] × x[i] for each i, as `matvec` does it. The vectors follow one another in `x` and in the result. */
  async matvecBatch<T extends NumericArray>(
    a: MatrixBatch<T>,
    x: T,
    options: OperationOptions & { readonly out?: T } = {},
  ): Result<T> {
    const type = checkSameType(named('a.data', a.data), named('x', x));
    const batch = batchArguments(a, 'a');
    countOf(a.count * a.columns, [named('x', x)]);
    const out = options.out ?? (newResult(type, a.count * a.rows) as T);
    checkSameType(named('a.data', a.data), named('out', out));
    countOf(a.count * a.rows, [named('out', out)]);
    checkOverlap(named('out', out), [named('a.data', a.data), named('x', x)], Infinity, 'apart');
    return this.write('matvecBatch', out, options, (start, engine) =>
      engine.matvecBatch(...start, ...batch, x, out),
    );
  }
}

function batchArguments<T extends NumericArray>(batch: MatrixBatch<T>, name: string): BatchCall {
  const { data, rows, columns, stride = columns, count, step = rows * stride } = batch;
  // Without a matrix there need not be room for one.
  matrixArguments(count === 0 ? { ...batch, rows: 0 } : batch, name);
  checkInteger(count, `${name}.count`);
  checkInteger(step, `${name}.step`);
  const extent = rows === 0 || columns === 0 ? 0 : (rows - 1) * stride + columns;
  if (count > 1 && step < extent) {
    throw argumentError(`the matrices of ${name} overlap: ${extent} elements each, and a step of ${step}`, {
      extent,
      step,
    });
  }
  const needed = count === 0 || extent === 0 ? 0 : (count - 1) * step + extent;
  if (needed > data.length) throw new CapacityError(`${name}.data`, needed, data.length);
  return [data, rows, columns, stride, count, step];
}

function checkCount(batch: MatrixBatch<NumericArray>, name: string, count: number): void {
  if (batch.count === count) return;
  throw argumentError(`${name} has ${batch.count} matrices where ${count} belong`, {
    count: batch.count,
    expectedCount: count,
  });
}
