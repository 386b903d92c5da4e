// Matrices and points: rows of arrays in files.
import { PersistentArray } from '@vgpu/array';
import type { BitMatrix, FloatArray, Matrix, NumericArray } from '@vgpu/cuda-native';
import * as onDisk from '@vgpu/cuda-native/stored';
import { CliError } from '../errors.js';
import {
  type Arguments,
  abortOf,
  allOf,
  checkPlain,
  committed,
  inMemory,
  needed,
  type Operation,
  one,
  shapeOf,
} from './operation.js';

export const matrixOperations: Readonly<Record<string, Operation>> = {
  transpose: {
    inputs: 1,
    outputs: 1,
    shapes: (inputs) => {
      const { dtype, rows, columns = 1 } = shapeOf(one(inputs, 0));
      return [{ dtype, rows: columns, columns: rows }];
    },
    run: (all) =>
      inMemory(all, (inputs, outputs) =>
        all.session.transpose(matrixOf(all.inputs, inputs, 0), {
          ...abortOf(all.options),
          out: matrixOf(all.outputs, outputs, 0),
        }),
      ),
  },
  matmul: {
    inputs: 2,
    outputs: 1,
    resumable: true,
    shapes: (inputs) => [{ ...shapeOf(one(inputs, 0)), columns: one(inputs, 1).descriptor.columns }],
    run: ({ session, inputs, outputs, options }) =>
      onDisk.matmul(session, one(inputs, 0), one(inputs, 1), one(outputs, 0), options),
  },
  matvec: {
    inputs: 2,
    outputs: 1,
    shapes: (inputs) => [{ dtype: shapeOf(one(inputs, 0)).dtype, rows: one(inputs, 0).descriptor.rows }],
    run: ({ session, inputs, outputs, options }) =>
      onDisk.matvec(session, one(inputs, 0), one(inputs, 1), one(outputs, 0), options),
  },
  solve: {
    inputs: 2,
    outputs: 1,
    shapes: (inputs) => [shapeOf(one(inputs, 1))],
    run: (all) =>
      inMemory(all, (inputs, outputs) => {
        const out = matrixOf(all.outputs, outputs, 0);
        return all.session.solve(matrixOf(all.inputs, inputs, 0), matrixOf(all.inputs, inputs, 1), {
          ...abortOf(all.options),
          out,
        });
      }),
  },
  inverse: {
    inputs: 1,
    outputs: 1,
    shapes: (inputs) => [shapeOf(one(inputs, 0))],
    run: (all) =>
      inMemory(all, (inputs, outputs) =>
        all.session.inverse(matrixOf(all.inputs, inputs, 0), {
          ...abortOf(all.options),
          out: matrixOf(all.outputs, outputs, 0),
        }),
      ),
  },
  'bit-matmul': {
    inputs: 2,
    outputs: 1,
    shapes: (inputs) => {
      const [{ rows }, { columns }] = [one(inputs, 0).descriptor, one(inputs, 1).descriptor];
      return [{ dtype: 'i32', rows, columns }];
    },
    run: ({ session, inputs, outputs, options }) => {
      const [a, b] = [bitsOf(one(inputs, 0)), bitsOf(one(inputs, 1))];
      const output = one(outputs, 0);
      return committed(outputs, () =>
        session.bitMatmul(a, b, {
          ...abortOf(options),
          out: { data: allOf(output) as Int32Array, rows: a.rows, columns: b.columns },
        }),
      );
    },
  },
  'pairwise-distance': {
    inputs: 2,
    outputs: 1,
    flags: ['metric'],
    shapes: (inputs) => [{ ...shapeOf(one(inputs, 0)), columns: one(inputs, 1).descriptor.rows }],
    run: (all) =>
      inMemory(all, (inputs, outputs) =>
        all.session.pairwiseDistance(matrixOf(all.inputs, inputs, 0), matrixOf(all.inputs, inputs, 1), {
          ...abortOf(all.options),
          metric: all.flags.metric ?? 'l2',
          out: matrixOf(all.outputs, outputs, 0),
        }),
      ),
  },
  'nearest-neighbours': {
    inputs: 2,
    outputs: 2,
    resumable: true,
    flags: ['k', 'metric'],
    shapes: (inputs, { k }) => {
      const distances = { ...shapeOf(one(inputs, 0)), columns: needed(k, '--k') };
      return [distances, { ...distances, dtype: 'u32' }];
    },
    run: ({ session, inputs, outputs, flags, options }) =>
      onDisk.nearestNeighbours(
        session,
        one(inputs, 0),
        one(inputs, 1),
        needed(flags.k, '--k'),
        { distances: one(outputs, 0), indices: one(outputs, 1) },
        { ...options, metric: flags.metric ?? 'l2' },
      ),
  },
};

/** Their type the operation checks itself. */
export function matrixOf(
  arrays: Arguments['inputs'],
  elements: readonly NumericArray[],
  index: number,
): Matrix<FloatArray> {
  const { rows, columns } = one(arrays, index).descriptor;
  return { data: one(elements, index) as FloatArray, rows, columns };
}

/** All of them, mapped as a whole. @throws CliError */
function bitsOf(array: onDisk.StoredArray): BitMatrix {
  const { dtype, rows, columns } = array.descriptor;
  if (!(array instanceof PersistentArray) || dtype !== 'bit') {
    throw new CliError('ERR_VGPU_BAD_INPUT', `${array.path} holds ${dtype ?? 'blocks'}, not bits`, {
      remedy: 'make a .pycauset file of it: vgpu file convert --dtype bit',
    });
  }
  checkPlain(array);
  const { buffer, byteOffset, byteLength } = array.values() as Uint8Array;
  return { words: new BigUint64Array(buffer, byteOffset, byteLength / 8), rows, columns };
}
