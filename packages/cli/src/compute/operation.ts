// One operation of `vgpu compute`: what it takes and makes, and how it is called.
import type { ComputeResult, ComputeSession, Metric, NumericArray } from '@vgpu/cuda-native';
import type * as onDisk from '@vgpu/cuda-native/stored';
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
  readonly dtype?: onDisk.StoredType | undefined;
  readonly metric?: Metric | undefined;
  readonly value?: string | undefined;
  readonly shape?: readonly number[] | undefined;
  readonly cellSize?: number | undefined;
  readonly origin?: readonly number[] | undefined;
  readonly cells?: readonly number[] | undefined;
  readonly repulsion?: number | undefined;
  readonly radius?: number | undefined;
  readonly stiffness?: number | undefined;
  readonly springLength?: number | undefined;
  readonly step?: number | undefined;
  readonly maxMove?: number | undefined;
}

/** As they are written. */
export const flagNames: Readonly<Record<keyof OperationFlags, string>> = {
  descending: '--descending',
  by: '--by',
  k: '--k',
  bins: '--bins',
  from: '--from',
  to: '--to',
  dtype: '--dtype',
  metric: '--metric',
  value: '--value',
  shape: '--shape',
  cellSize: '--cell-size',
  origin: '--origin',
  cells: '--cells',
  repulsion: '--repulsion',
  radius: '--radius',
  stiffness: '--stiffness',
  springLength: '--spring-length',
  step: '--step',
  maxMove: '--max-move',
};

const computable: readonly string[] = ['f32', 'f64', 'i32', 'u32', 'i64', 'u64'];
/** What `cast` takes. */
export const castable: readonly string[] = [...computable, 'f16'];

/** A vector, or with columns a matrix. */
export interface Shape {
  readonly dtype: onDisk.StoredType;
  readonly rows: number;
  readonly columns?: number;
  /** Of matrices one below another that are the third dimension of a .npy file: how many. */
  readonly matrices?: number;
}

export function dimensionsOf({ rows, columns, matrices }: Shape): readonly number[] {
  if (columns === undefined) return [rows];
  return matrices === undefined ? [rows, columns] : [matrices, rows / matrices, columns];
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
  /** Of a .npy file that it takes, at most; 2 by default. */
  readonly dimensions?: 3;
  readonly resumable?: boolean;
  /** Flags that it needs or knows. */
  readonly flags?: readonly (keyof OperationFlags)[];
  readonly run: (all: Arguments) => Promise<Computed>;
}

/** All inputs and outputs are mapped as a whole; what the operation takes beside them is bounded by the session. */
export function inMemory(
  { inputs, outputs }: Arguments,
  call: (
    inputs: readonly NumericArray[],
    outputs: readonly NumericArray[],
  ) => Promise<ComputeResult<unknown>>,
): Promise<ComputeResult<unknown>> {
  for (const input of inputs) checkPlain(input);
  return committed(outputs, () => call(inputs.map(allOf), outputs.map(allOf)));
}

/** `write` fills the outputs. */
export async function committed<Result>(
  outputs: readonly StoredOutput[],
  write: () => Promise<Result>,
): Promise<Result> {
  for (const output of outputs) await output.begin();
  const result = await write();
  for (const output of outputs) await output.commit();
  return result;
}

export function allOf(array: StoredArray): NumericArray {
  const { rows, columns } = array.descriptor;
  return array.elements(0, rows * columns) as NumericArray;
}

/** Its elements are stored as they are meant, row by row. @throws CliError */
export function checkPlain({ path, descriptor: { structure, view } }: StoredArray): void {
  const isVector = structure === 'vector';
  const remedy = 'write it out first: vgpu file convert';
  if (!isVector && structure !== 'dense') {
    throw new CliError('ERR_VGPU_BAD_INPUT', `${path} is stored as a ${structure} array`, { remedy });
  }
  if (view.transposed && !isVector) {
    throw new CliError('ERR_VGPU_BAD_INPUT', `${path} is stored by columns`, {
      remedy: 'write it out by rows first: vgpu file import, then vgpu file convert',
    });
  }
  if (view.conjugated || view.scalar.re !== 1 || view.scalar.im !== 0) {
    throw new CliError('ERR_VGPU_BAD_INPUT', `${path} is seen through a view`, { remedy });
  }
}

/** `types`: those that the operation takes. @throws CliError */
export function shapeOf({ path, descriptor }: StoredArray, types: readonly string[] = computable): Shape {
  const { structure, dtype, rows, columns } = descriptor;
  if (!types.includes(dtype ?? '')) {
    throw new CliError(
      'ERR_VGPU_BAD_INPUT',
      `${path} holds ${dtype ?? 'blocks'}, not one of ${types.join(', ')}`,
      {
        remedy: `convert it: ${castable.includes(dtype ?? '') ? 'vgpu compute cast' : 'vgpu file convert'} --dtype`,
      },
    );
  }
  return { dtype: dtype as onDisk.StoredType, rows, ...(structure === 'vector' ? {} : { columns }) };
}

/** Of an array that is made without an input. @throws CliError */
export function newShape({ shape, dtype = 'f64' }: OperationFlags): Shape {
  const [rows, columns, ...more] = needed(shape, '--shape');
  if (rows === undefined || more.length > 0) {
    throw new CliError('ERR_VGPU_USAGE', `--shape has ${more.length + 2} numbers, not one or two`);
  }
  if (!computable.includes(dtype)) {
    throw new CliError('ERR_VGPU_USAGE', `the operation makes no ${dtype}`, {
      remedy: 'make f32, and convert it: vgpu compute cast --dtype',
    });
  }
  return { dtype, rows, ...(columns !== undefined && { columns }) };
}

const ranges: Readonly<Record<string, readonly [least: number, most: number]>> = {
  i32: [-(2 ** 31), 2 ** 31 - 1],
  u32: [0, 2 ** 32 - 1],
};

/** The number behind an option, for an array: a bigint for 64-bit integers. @throws CliError */
export function scalar(
  { descriptor: { dtype } }: StoredArray,
  given: string | undefined,
  option: string,
): number | bigint {
  const text = needed(given, option);
  const isLong = dtype === 'i64' || dtype === 'u64';
  const value = isLong && /^-?\d+$/.test(text) ? BigInt(text) : Number(text);
  const [least, most] = ranges[dtype ?? ''] ?? [-Infinity, Infinity];
  const fits = value >= least && value <= most && (least === -Infinity || Number.isInteger(value));
  if (text.trim() !== '' && (isLong ? typeof value === 'bigint' : fits)) return value;
  throw new CliError('ERR_VGPU_USAGE', `${option} ${text} is no number of type ${dtype}`);
}

export function needed<T>(value: T | undefined, option: string): T {
  if (value !== undefined) return value;
  throw new CliError('ERR_VGPU_USAGE', `the operation needs ${option}`);
}

export function one<T>(all: readonly T[], index: number): T {
  const each = all[index];
  if (each === undefined) throw new Error(`unreachable: there is no array ${index}`);
  return each;
}

export function abortOf({ signal }: onDisk.ResumeOptions): { readonly signal?: AbortSignal } {
  return signal === undefined ? {} : { signal };
}
