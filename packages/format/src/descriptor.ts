// What an array is: its structure, dtype, shape and view. Schemas for callers' input; metadata-schema.ts has the file's.
import { z } from 'zod';
import { dtypes, dtypeTraits } from './dtype.js';
import { FormatError } from './errors.js';
import { squareStructures } from './layout.js';

const size = z.number().int().min(0).max(Number.MAX_SAFE_INTEGER);
const seed = z
  .bigint()
  .min(0n)
  .max(2n ** 64n - 1n);

export const complexSchema = z.strictObject({ re: z.number(), im: z.number() }).readonly();

/** How stored elements become values: transposed, conjugated, then multiplied. */
export const viewSchema = z
  .strictObject({
    transposed: z.boolean().default(false),
    conjugated: z.boolean().default(false),
    scalar: complexSchema.default({ re: 1, im: 0 }),
  })
  .readonly();
export type ArrayView = z.infer<typeof viewSchema>;

/** A file of a block matrix, in the folder named like the matrix's own file plus ".blocks". */
export const blockSchema = z
  .strictObject({
    // A plain name: anything else could reach files outside the folder.
    path: z.string().regex(/^(?!\.{1,2}$)[^/\\:\0]+$/, 'a plain file name'),
    payloadUuid: z.string().min(1),
  })
  .readonly();
export type BlockReference = z.infer<typeof blockSchema>;

const common = {
  rows: size,
  columns: size,
  view: viewSchema.default({ transposed: false, conjugated: false, scalar: { re: 1, im: 0 } }),
  payloadUuid: z.string().min(1),
  seed: seed.default(0n),
};
const dtype = z.enum(dtypes);
const partitions = z.array(size).min(1).readonly();

/** Everything but the contents. `rows` and `columns` are those of the stored array, before its view. */
export const descriptorSchema = z
  .discriminatedUnion('structure', [
    z.strictObject({ structure: z.literal('dense'), dtype, ...common }),
    z.strictObject({ structure: z.literal('triangular'), dtype, diagonal: z.boolean(), ...common }),
    z.strictObject({ structure: z.literal('symmetric'), dtype, ...common }),
    z.strictObject({ structure: z.literal('antisymmetric'), dtype, ...common }),
    z.strictObject({ structure: z.literal('diagonal'), dtype, ...common }),
    z.strictObject({ structure: z.literal('identity'), dtype, ...common }),
    z.strictObject({ structure: z.literal('vector'), dtype, ...common, columns: z.literal(1) }),
    z.strictObject({
      structure: z.literal('unit-vector'),
      dtype,
      index: size,
      ...common,
      columns: z.literal(1),
    }),
    z.strictObject({
      structure: z.literal('block'),
      rowPartitions: partitions,
      columnPartitions: partitions,
      blocks: z.array(z.array(blockSchema).readonly()).readonly(),
      ...common,
    }),
  ])
  .superRefine((array, context) => {
    const complain = (path: string, message: string) =>
      context.addIssue({ code: 'custom', path: [path], message });
    if (squareStructures.has(array.structure) && array.rows !== array.columns) {
      complain('columns', `${array.structure} needs rows = columns`);
    }
    if (array.structure === 'antisymmetric' && ['bit', 'unsigned'].includes(dtypeTraits[array.dtype].kind)) {
      complain('dtype', `${array.dtype} has no negative values`);
    }
    if (array.structure === 'unit-vector' && array.index >= array.rows) {
      complain('index', `must be below ${array.rows}`);
    }
    if (array.structure === 'block') {
      checkPartitions(array.rowPartitions, array.rows, (message) => complain('rowPartitions', message));
      checkPartitions(array.columnPartitions, array.columns, (message) =>
        complain('columnPartitions', message),
      );
      if (
        array.blocks.length !== array.rowPartitions.length - 1 ||
        array.blocks.some((row) => row.length !== array.columnPartitions.length - 1)
      ) {
        complain('blocks', 'there must be one block for each pair of partitions');
      }
    }
  });

export type ArrayDescriptor = Readonly<z.infer<typeof descriptorSchema>>;
/** What a caller may leave out has a default. */
export type ArrayDescriptorInput = z.input<typeof descriptorSchema>;

function checkPartitions(bounds: readonly number[], end: number, complain: (message: string) => void): void {
  const ascending = bounds.every((bound, index) => index === 0 || bound > (bounds[index - 1] ?? 0));
  if (bounds[0] !== 0 || bounds.at(-1) !== end || !ascending) complain(`must rise from 0 to ${end}`);
}

/** @throws FormatError ERR_VGPU_FORMAT_ARGUMENT that names the field. */
export function parseDescriptor(input: ArrayDescriptorInput): ArrayDescriptor {
  const result = descriptorSchema.safeParse(input);
  if (result.success) return result.data;
  throw new FormatError(
    'ERR_VGPU_FORMAT_ARGUMENT',
    `no valid array descriptor: ${describeIssue(result.error)}`,
  );
}

/** The first thing that a schema complains about, with the path to it. */
export function describeIssue(error: z.ZodError): string {
  const [issue] = error.issues;
  const path = issue?.path.map(String).join('.');
  return path ? `${path}: ${issue?.message}` : (issue?.message ?? 'invalid');
}
