// Many matrices of one shape at once, one below another in each file. A .npy file may have them as its first dimension.
import type { FloatArray, MatrixBatch, NumericArray } from '@vgpu/cuda-native';
import type { StoredArray } from '@vgpu/cuda-native/stored';
import { CliError } from '../errors.js';
import { NpyArray } from './npy-array.js';
import { abortOf, inMemory, type Operation, one, shapeOf } from './operation.js';

export const batchOperations: Readonly<Record<string, Operation>> = {
  'matmul-batch': {
    inputs: 2,
    outputs: 1,
    dimensions: 3,
    shapes: (inputs) => {
      const [a, b] = [one(inputs, 0), one(inputs, 1)];
      const product = { ...shapeOf(a), columns: b.descriptor.columns };
      const matrices = factorsIn(a, b);
      return [matricesIn(a) === undefined ? product : { ...product, matrices }];
    },
    run: (all) => {
      const [a, b] = [one(all.inputs, 0), one(all.inputs, 1)];
      const count = factorsIn(a, b);
      return inMemory(all, (inputs, outputs) =>
        all.session.matmulBatch(batchOf(a, inputs, 0, count), batchOf(b, inputs, 1, count), {
          ...abortOf(all.options),
          out: batchOf(one(all.outputs, 0), outputs, 0, count),
        }),
      );
    },
  },
  'matvec-batch': {
    inputs: 2,
    outputs: 1,
    dimensions: 3,
    shapes: (inputs) => {
      const [a, x] = [one(inputs, 0), one(inputs, 1)];
      const count = vectorsIn(a, x);
      return [{ dtype: shapeOf(a).dtype, rows: count, columns: a.descriptor.rows / count }];
    },
    run: (all) => {
      const [a, x] = [one(all.inputs, 0), one(all.inputs, 1)];
      return inMemory(all, (inputs, outputs) =>
        all.session.matvecBatch(batchOf(a, inputs, 0, vectorsIn(a, x)), one(inputs, 1) as FloatArray, {
          ...abortOf(all.options),
          out: one(outputs, 0) as FloatArray,
        }),
      );
    },
  },
};

/** How many matrices there are in each: where no file says it, as many as rows of `b` fit the columns of `a`. @throws CliError */
function factorsIn(a: StoredArray, b: StoredArray): number {
  const { columns } = a.descriptor;
  const count = matricesIn(a) ?? matricesIn(b) ?? b.descriptor.rows / columns;
  const fit = isBatch(a, count) && isBatch(b, count) && b.descriptor.rows === count * columns;
  if (fit) return count;
  throw misfit(a, b, 'each matrix of the second needs as many rows as the first has columns');
}

/** How many matrices are in `a`: one for each row of `x`. @throws CliError */
function vectorsIn(a: StoredArray, x: StoredArray): number {
  const count = x.descriptor.rows;
  if (isBatch(a, count) && x.descriptor.columns === a.descriptor.columns) return count;
  throw misfit(
    a,
    x,
    'each row of the second is the vector for one matrix, with as many elements as that has columns',
  );
}

function isBatch(array: StoredArray, count: number): boolean {
  return (
    Number.isInteger(count) && array.descriptor.rows % count === 0 && (matricesIn(array) ?? count) === count
  );
}

function matricesIn(array: StoredArray): number | undefined {
  return array instanceof NpyArray && array.shape.length === 3 ? array.shape[0] : undefined;
}

function misfit(a: StoredArray, b: StoredArray, remedy: string): CliError {
  return new CliError('ERR_VGPU_BAD_INPUT', `${sizeOf(a)} and ${sizeOf(b)} do not fit`, { remedy });
}

function sizeOf(array: StoredArray): string {
  const { rows, columns } = array.descriptor;
  const size = array instanceof NpyArray ? array.shape : [rows, columns];
  return `the ${size.join(' x ')} elements of ${array.path}`;
}

function batchOf(
  { descriptor }: StoredArray,
  elements: readonly NumericArray[],
  index: number,
  count: number,
): MatrixBatch<FloatArray> {
  const { rows, columns } = descriptor;
  // Their type the operation checks itself.
  return { data: one(elements, index) as FloatArray, rows: rows / count, columns, count };
}
