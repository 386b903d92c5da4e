// What `create` and `convert` are asked for, as a descriptor.
import { type ArrayDescriptor, type ArrayDescriptorInput, type Dtype, parseDescriptor } from '@vgpu/format';
import { CliError } from '../errors.js';

type PlainStructure = Exclude<ArrayDescriptor['structure'], 'block'>;
export type PlainArray = Extract<ArrayDescriptor, { dtype: Dtype }>;

export interface ShapeOptions {
  readonly structure: PlainStructure;
  readonly dtype: Dtype;
  readonly rows: number;
  readonly columns?: number | undefined;
  /** Triangular only. */
  readonly diagonal?: boolean | undefined;
  /** Unit vectors only: where the one is. */
  readonly index?: number | undefined;
}

const vectors: readonly PlainStructure[] = ['vector', 'unit-vector'];

/** @throws CliError ERR_VGPU_USAGE for options that do not go together, FormatError for a shape that cannot be */
export function describeShape(options: ShapeOptions): PlainArray {
  const { structure, dtype, rows } = options;
  checkBelongs('--diagonal', options.diagonal !== undefined, structure, ['triangular']);
  checkBelongs('--index', options.index !== undefined, structure, ['unit-vector']);
  if (structure === 'unit-vector' && options.index === undefined) {
    throw new CliError('ERR_VGPU_USAGE', 'a unit vector needs --index, where its one is');
  }
  if (structure === 'dense' && options.columns === undefined) {
    throw new CliError('ERR_VGPU_USAGE', 'a dense matrix needs --columns');
  }
  const input = {
    structure,
    dtype,
    rows,
    columns: options.columns ?? (vectors.includes(structure) ? 1 : rows),
    payloadUuid: crypto.randomUUID().replaceAll('-', ''),
    ...(structure === 'triangular' && { diagonal: options.diagonal ?? false }),
    ...(structure === 'unit-vector' && { index: options.index }),
  };
  // The schema looks at every field and combination.
  const descriptor = parseDescriptor(input as ArrayDescriptorInput);
  if (descriptor.structure === 'block') throw new Error('unreachable: no block matrix was asked for');
  return descriptor;
}

function checkBelongs(
  option: string,
  given: boolean,
  structure: PlainStructure,
  where: readonly PlainStructure[],
): void {
  if (given && !where.includes(structure)) {
    throw new CliError('ERR_VGPU_USAGE', `${option} is for ${where.join(' and ')}, not for ${structure}`);
  }
}
