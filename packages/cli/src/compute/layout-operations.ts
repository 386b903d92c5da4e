// Points of the plane or of space, and graphs between them.
import type { FloatArray, ForceLayoutOptions, SpatialGridOptions } from '@vgpu/cuda-native';
import type { StoredArray } from '@vgpu/cuda-native/stored';
import { CliError } from '../errors.js';
import { matrixOf } from './matrix-operations.js';
import { abortOf, inMemory, needed, type Operation, type OperationFlags, one, shapeOf } from './operation.js';

export const layoutOperations: Readonly<Record<string, Operation>> = {
  'spatial-grid': {
    inputs: 1,
    outputs: 2,
    flags: ['cellSize', 'origin', 'cells'],
    shapes: (inputs, flags) => {
      const starts = { dtype: 'u32', rows: gridOf(flags).count + 1 } as const;
      return [starts, { dtype: 'u32', rows: one(inputs, 0).descriptor.rows }];
    },
    run: (all) =>
      inMemory(all, async (inputs, outputs) => {
        const result = await all.session.spatialGrid(matrixOf(all.inputs, inputs, 0), {
          ...gridOf(all.flags),
          ...abortOf(all.options),
        });
        const { starts, items } = result.value;
        (one(outputs, 0) as Uint32Array).set(starts);
        (one(outputs, 1) as Uint32Array).set(items);
        return result;
      }),
  },
  'force-layout-step': {
    inputs: 2,
    outputs: 1,
    flags: ['repulsion', 'radius', 'stiffness', 'springLength', 'step', 'maxMove'],
    shapes: (inputs) => {
      checkEdges(one(inputs, 1));
      return [shapeOf(one(inputs, 0))];
    },
    run: (all) =>
      inMemory(all, (inputs, outputs) =>
        all.session.forceLayoutStep(matrixOf(all.inputs, inputs, 0), one(inputs, 1) as Uint32Array, {
          ...forcesOf(all.flags),
          ...abortOf(all.options),
          out: matrixOf(all.outputs, outputs, 0),
        }),
      ),
  },
};

const mostCells = 2 ** 32 - 2;

/** The size of an output follows from the number of cells: what is wrong with the rest, the operation says itself. @throws CliError */
function gridOf(flags: OperationFlags): SpatialGridOptions & { readonly count: number } {
  const cells = needed(flags.cells, '--cells');
  const count = cells.reduce((product, number) => product * number, 1);
  if (count > mostCells) {
    throw new CliError('ERR_VGPU_USAGE', `--cells ${cells} are ${count} cells, more than ${mostCells}`);
  }
  const cellSize = needed(flags.cellSize, '--cell-size');
  return { cellSize, origin: needed(flags.origin, '--origin'), cells, count };
}

/** In two rows, as some libraries keep them, they would be taken for other edges. @throws CliError */
function checkEdges(edges: StoredArray): void {
  const { columns = 1 } = shapeOf(edges, ['u32']);
  if (columns === 2) return;
  throw new CliError(
    'ERR_VGPU_BAD_INPUT',
    `${edges.path} has ${columns} column(s), not two nodes in each row`,
    {
      remedy: 'reshape or transpose the array in NumPy first',
    },
  );
}

function forcesOf(flags: OperationFlags): ForceLayoutOptions<FloatArray> {
  const { repulsion, radius, stiffness, springLength, step, maxMove } = flags;
  return {
    ...(repulsion !== undefined && { repulsion }),
    ...(radius !== undefined && { radius }),
    ...(stiffness !== undefined && { stiffness }),
    ...(springLength !== undefined && { springLength }),
    ...(step !== undefined && { step }),
    ...(maxMove !== undefined && { maxMove }),
  };
}
