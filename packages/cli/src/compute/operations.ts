// What `vgpu compute` can do: how many arrays each operation takes and makes, and how it is called.
import type { ComputeResult, ComputeSession, ElementType, NumericArray } from '@vgpu/cuda-native';
import * as onDisk from '@vgpu/cuda-native/stored';
import { CliError } from '../errors.js';

type StoredArray = onDisk.StoredArray;
type StoredOutput = onDisk.StoredOutput;

/** What the command line says about the operation itself. */
export interface OperationFlags {
  readonly descending?: boolean | undefined;
  readonly by?: string | undefined;
  readonly k?: number | undefined;
  readonly bins?: number | undefined;
  readonly from?: number | undefined;
  readonly to?: number | undefined;
  readonly dtype?: ElementType | undefined;
}

/** A vector, or with columns a matrix. */
export interface Shape {
  readonly dtype: ElementType;
  readonly rows: number;
  readonly columns?: number;
}

export interface Arguments {
  readonly session: ComputeSession;
  readonly inputs: readonly StoredArray[];
  readonly outputs: readonly StoredOutput[];
  readonly flags: OperationFlags;
  readonly options: onDisk.ResumeOptions;
}

/** A result, of which only operations on disk know how many calls it took. */
export type Computed = ComputeResult<unknown> &
  Partial<Pick<onDisk.StoredResult<unknown>, 'calls' | 'memoryBytes'>>;

export interface Operation {
  readonly inputs: number;
  /** Of the outputs. None: the result is printed. */
  readonly shapes: (inputs: readonly StoredArray[], flags: OperationFlags) => readonly Shape[];
  readonly outputs: number;
  readonly resumable?: boolean;
  /** Flags that it needs or knows. */
  readonly flags?: readonly (keyof OperationFlags)[];
  readonly run: (all: Arguments) => Promise<Computed>;
}

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
  run: (all) => inMemory(all, call),
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
      onDisk.scale(session, one(inputs, 0), scalar(one(inputs, 0), flags), one(outputs, 0), options),
  },
  axpy: {
    inputs: 2,
    ...likeFirst,
    flags: ['by'],
    run: ({ session, inputs, outputs, flags, options }) =>
      onDisk.axpy(
        session,
        scalar(one(inputs, 0), flags),
        one(inputs, 0),
        one(inputs, 1),
        one(outputs, 0),
        options,
      ),
  },
  cast: {
    inputs: 1,
    outputs: 1,
    flags: ['dtype'],
    shapes: (inputs, { dtype }) => [{ ...shapeOf(one(inputs, 0)), dtype: needed(dtype, '--dtype') }],
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
  transpose: {
    inputs: 1,
    outputs: 1,
    shapes: (inputs) => {
      const { dtype, rows, columns = 1 } = shapeOf(one(inputs, 0));
      return [{ dtype, rows: columns, columns: rows }];
    },
    run: (all) =>
      inMemory(all, (session, data, out) => {
        const { rows, columns } = one(all.inputs, 0).descriptor;
        const target = { data: out as Float64Array, rows: columns, columns: rows };
        return session.transpose(
          { data: data as Float64Array, rows, columns },
          { ...abortOf(all.options), out: target },
        );
      }),
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
};

/** The whole input and the whole output are mapped; what the operation takes beside them is bounded by the session. */
async function inMemory(all: Arguments, call: Parameters<typeof whole>[1]): Promise<ComputeResult<unknown>> {
  const [input, output] = [one(all.inputs, 0), one(all.outputs, 0)];
  if (input.descriptor.view.transposed) {
    throw new CliError('ERR_VGPU_BAD_INPUT', `${input.path} is stored by columns`, {
      remedy: 'write it out by rows first: vgpu file import, then vgpu file convert',
    });
  }
  const count = input.descriptor.rows * input.descriptor.columns;
  await output.begin();
  const windows = [input.elements(0, count), output.elements(0, count)] as [NumericArray, NumericArray];
  const result = await call(all.session, ...windows, all);
  await output.commit();
  return result;
}

function shapeOf({ path, descriptor }: StoredArray): Shape {
  const { structure, dtype, rows, columns } = descriptor;
  const known = ['f32', 'f64', 'i32', 'u32', 'i64', 'u64'].includes(dtype ?? '');
  if (!known) {
    throw new CliError(
      'ERR_VGPU_BAD_INPUT',
      `${path} holds ${dtype ?? 'blocks'}, not f32, f64, i32, u32, i64 or u64`,
      {
        remedy: 'convert it: vgpu file convert --dtype',
      },
    );
  }
  return { dtype: dtype as ElementType, rows, ...(structure === 'vector' ? {} : { columns }) };
}

function scalar({ descriptor: { dtype } }: StoredArray, { by }: OperationFlags): number | bigint {
  const text = needed(by, '--by');
  const isLong = dtype === 'i64' || dtype === 'u64';
  const value = isLong && /^-?\d+$/.test(text) ? BigInt(text) : Number(text);
  if (text.trim() !== '' && (isLong ? typeof value === 'bigint' : !Number.isNaN(value))) return value;
  throw new CliError('ERR_VGPU_USAGE', `--by ${text} is no number of type ${dtype}`);
}

function needed<T>(value: T | undefined, option: string): T {
  if (value !== undefined) return value;
  throw new CliError('ERR_VGPU_USAGE', `the operation needs ${option}`);
}

function one<T>(all: readonly T[], index: number): T {
  const each = all[index];
  if (each === undefined) throw new Error(`unreachable: there is no array ${index}`);
  return each;
}

function abortOf({ signal }: onDisk.ResumeOptions): { readonly signal?: AbortSignal } {
  return signal === undefined ? {} : { signal };
}
