// What `vgpu compute` can do: how many arrays each operation takes and makes, and how it is called.
import type { ComputeResult, ComputeSession, ElementType, NumericArray } from '@vgpu/cuda-native';
import * as onDisk from '@vgpu/cuda-native/stored';
import { batchOperations } from './batch-operations.js';
import { layoutOperations } from './layout-operations.js';
import { matrixOperations } from './matrix-operations.js';
import {
  type Arguments,
  abortOf,
  castable,
  inMemory,
  needed,
  newShape,
  type Operation,
  one,
  scalar,
  shapeOf,
} from './operation.js';

type StoredArray = onDisk.StoredArray;

const nothing = { outputs: 0, shapes: () => [] } as const;
const likeFirst = {
  outputs: 1,
  shapes: (inputs: readonly StoredArray[]) => [shapeOf(one(inputs, 0))],
} as const;

const reduction = (call: typeof onDisk.sum): Operation => ({
  inputs: 1,
  ...nothing,
  run: ({ session, inputs, options }) => call(session, one(inputs, 0), options),
});

const binary = (call: typeof onDisk.add): Operation => ({
  inputs: 2,
  ...likeFirst,
  run: ({ session, inputs, outputs, options }) =>
    call(session, one(inputs, 0), one(inputs, 1), one(outputs, 0), options),
});

const whole = (
  dtype: ElementType | undefined,
  call: (
    session: ComputeSession,
    x: NumericArray,
    out: NumericArray,
    all: Arguments,
  ) => Promise<ComputeResult<unknown>>,
): Operation => ({
  inputs: 1,
  outputs: 1,
  shapes: (inputs) => {
    const shape = shapeOf(one(inputs, 0));
    return [{ ...shape, dtype: dtype ?? shape.dtype }];
  },
  run: (all) => inMemory(all, (inputs, outputs) => call(all.session, one(inputs, 0), one(outputs, 0), all)),
});

export const operations: Readonly<Record<string, Operation>> = {
  sum: reduction(onDisk.sum),
  mean: reduction(onDisk.mean),
  min: reduction(onDisk.min),
  max: reduction(onDisk.max),
  norm: reduction(onDisk.norm),
  dot: {
    inputs: 2,
    ...nothing,
    run: ({ session, inputs, options }) => onDisk.dot(session, one(inputs, 0), one(inputs, 1), options),
  },
  histogram: {
    inputs: 1,
    ...nothing,
    flags: ['bins', 'from', 'to'],
    run: ({ session, inputs, flags, options }) =>
      onDisk.histogram(session, one(inputs, 0), {
        ...options,
        bins: needed(flags.bins, '--bins'),
        min: needed(flags.from, '--from'),
        max: needed(flags.to, '--to'),
      }),
  },
  'top-k': {
    inputs: 1,
    ...nothing,
    flags: ['k', 'descending'],
    run: ({ session, inputs, flags, options }) =>
      onDisk.topK(session, one(inputs, 0), needed(flags.k, '--k'), {
        ...options,
        descending: flags.descending ?? true,
      }),
  },
  add: binary(onDisk.add),
  sub: binary(onDisk.sub),
  mul: binary(onDisk.mul),
  div: binary(onDisk.div),
  scale: {
    inputs: 1,
    ...likeFirst,
    flags: ['by'],
    run: ({ session, inputs, outputs, flags, options }) =>
      onDisk.scale(
        session,
        one(inputs, 0),
        scalar(one(inputs, 0), flags.by, '--by'),
        one(outputs, 0),
        options,
      ),
  },
  axpy: {
    inputs: 2,
    ...likeFirst,
    flags: ['by'],
    run: ({ session, inputs, outputs, flags, options }) =>
      onDisk.axpy(
        session,
        scalar(one(inputs, 0), flags.by, '--by'),
        one(inputs, 0),
        one(inputs, 1),
        one(outputs, 0),
        options,
      ),
  },
  fill: {
    inputs: 0,
    outputs: 1,
    flags: ['value', 'shape', 'dtype'],
    shapes: (_, flags) => [newShape(flags)],
    run: ({ session, outputs, flags, options }) =>
      onDisk.fill(session, one(outputs, 0), scalar(one(outputs, 0), flags.value, '--value'), options),
  },
  cast: {
    inputs: 1,
    outputs: 1,
    flags: ['dtype'],
    shapes: (inputs, { dtype }) => [
      { ...shapeOf(one(inputs, 0), castable), dtype: needed(dtype, '--dtype') },
    ],
    run: ({ session, inputs, outputs, options }) =>
      onDisk.cast(session, one(inputs, 0), one(outputs, 0), options),
  },
  sort: {
    inputs: 1,
    ...likeFirst,
    resumable: true,
    flags: ['descending'],
    run: ({ session, inputs, outputs, flags, options }) =>
      onDisk.sort(session, one(inputs, 0), one(outputs, 0), {
        ...options,
        descending: flags.descending ?? false,
      }),
  },
  'sort-pairs': {
    inputs: 2,
    outputs: 2,
    resumable: true,
    flags: ['descending'],
    shapes: (inputs) => [shapeOf(one(inputs, 0)), shapeOf(one(inputs, 1))],
    run: ({ session, inputs, outputs, flags, options }) =>
      onDisk.sortPairs(
        session,
        one(inputs, 0),
        one(inputs, 1),
        { keys: one(outputs, 0), values: one(outputs, 1) },
        { ...options, descending: flags.descending ?? false },
      ),
  },
  argsort: {
    ...whole('u32', (session, x, out, { options, flags }) =>
      session.argsort(x, {
        ...abortOf(options),
        out: out as Uint32Array,
        descending: flags.descending ?? false,
      }),
    ),
    flags: ['descending'],
  },
  'inclusive-scan': whole(undefined, (session, x, out, { options }) =>
    session.inclusiveScan(x, { ...abortOf(options), out }),
  ),
  'exclusive-scan': whole(undefined, (session, x, out, { options }) =>
    session.exclusiveScan(x, { ...abortOf(options), out }),
  ),
  ...matrixOperations,
  ...batchOperations,
  ...layoutOperations,
};
