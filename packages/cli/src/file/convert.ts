// `vgpu file convert`: the same values in another dtype or structure.
import { isArrayError, PersistentArray } from '@vgpu/array';
import type { ArrayDescriptor, Assumption, Dtype, Scalar } from '@vgpu/format';
import { CliError } from '../errors.js';
import { formatCount } from '../output/bytes.js';
import type { Context, Outcome } from '../output/command.js';
import { progressBar } from '../output/progress-bar.js';
import { writtenOutcome } from './create.js';
import { checkInput, checkOutput, namingFile } from './paths.js';
import { exactly, nearest, sameValue, scalarText } from './scalars.js';
import { describeShape, type PlainArray } from './shape.js';

export interface ConvertOptions {
  readonly dtype?: Dtype | undefined;
  readonly structure?: PlainArray['structure'] | undefined;
  /** Values may be rounded, cut to the range, or left out. */
  readonly lossy?: boolean | undefined;
  readonly force?: boolean | undefined;
  readonly assume?: Assumption | undefined;
}

export async function convert(
  input: string,
  output: string,
  options: ConvertOptions,
  { signal, progress }: Context,
): Promise<Outcome> {
  const { force = false, lossy = false, assume } = options;
  checkInput(input);
  checkOutput(output, { force, input });
  await using source = await namingFile(input, () => PersistentArray.open(input, assume ? { assume } : {}));
  const target = targetFor(source, options);
  const conversion = new Conversion(source, target.dtype, lossy);
  return await progress.during(`converting ${input}`, async (detail) => {
    const bar = progressBar();
    await using array = await PersistentArray.create(output, target, {
      values: conversion.valueAt,
      // What the structure leaves out is asked for, and refused, unless that was allowed.
      storedOnly: lossy,
      replace: force,
      signal,
      onProgress: (done, total) => detail(bar(done, total)),
    }).catch(explainRefusal);
    const { changed } = conversion;
    const outcome = writtenOutcome(output, array, { input, changedValues: changed });
    return changed === 0
      ? outcome
      : { ...outcome, text: `${outcome.text}; ${formatCount(changed)} values changed` };
  });
}

function explainRefusal(error: unknown): never {
  if (!isArrayError(error) || error.code !== 'ERR_VGPU_ARRAY_STRUCTURE') throw error;
  throw new CliError('ERR_VGPU_LOSSY', error.message, {
    remedy: 'choose another structure, or add --lossy to leave out what does not fit',
  });
}

/** What to write: what was asked for, and else what holds the values of the source with its view applied. */
function targetFor(source: PersistentArray, options: ConvertOptions): PlainArray {
  const { descriptor, rows, columns } = source;
  const structure = options.structure ?? structureOfValues(descriptor);
  return describeShape({
    structure,
    dtype: options.dtype ?? source.dtype,
    rows,
    columns,
    ...(structure === 'triangular' && {
      diagonal: descriptor.structure === 'triangular' ? descriptor.diagonal : true,
    }),
    ...(structure === 'unit-vector' && { index: findOne(source) }),
  });
}

/** That of the stored array where its view leaves it so, else dense. */
function structureOfValues({ structure, view }: ArrayDescriptor): PlainArray['structure'] {
  const scaled = view.scalar.re !== 1 || view.scalar.im !== 0;
  switch (structure) {
    case 'block':
      return 'dense';
    case 'identity':
      return scaled ? 'dense' : structure;
    case 'unit-vector':
      return scaled || view.transposed ? 'dense' : structure;
    case 'triangular':
    case 'vector':
      return view.transposed ? 'dense' : structure;
    default:
      return structure;
  }
}

/** Where a vector has its first one: what a unit vector needs to know. */
function findOne(source: PersistentArray): number {
  for (let row = 0; row < source.rows && source.columns > 0; row++) {
    if (sameValue(source.get(row, 0), 1)) return row;
  }
  throw new CliError(
    'ERR_VGPU_LOSSY',
    'a unit vector has a one, and this array has none in its first column',
    {
      remedy: 'choose the structure vector',
    },
  );
}

/** Reads from the source what the target asks for. */
class Conversion {
  /** Values that are not what they were; only a lossy conversion has any. */
  changed = 0;

  constructor(
    readonly source: Pick<PersistentArray, 'get'>,
    readonly dtype: Dtype,
    readonly lossy: boolean,
  ) {}

  readonly valueAt = (row: number, column: number): Scalar => {
    const value = this.source.get(row, column);
    const exact = exactly(value, this.dtype);
    if (exact !== undefined) return exact;
    if (!this.lossy) {
      throw new CliError(
        'ERR_VGPU_LOSSY',
        `element (${row}, ${column}) is ${scalarText(value)}, which ${this.dtype} cannot hold exactly`,
        { remedy: 'choose a larger dtype, or add --lossy to take the nearest value' },
      );
    }
    this.changed++;
    try {
      return nearest(value, this.dtype);
    } catch (cause) {
      throw new CliError(
        'ERR_VGPU_LOSSY',
        `element (${row}, ${column}) is NaN, which no ${this.dtype} is near to`,
        {
          remedy: 'choose a floating-point dtype',
          cause,
        },
      );
    }
  };
}
