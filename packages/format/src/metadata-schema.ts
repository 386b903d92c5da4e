// Between a container's metadata and a descriptor. The names are PyCauset's; where it has none, the names are ours,
// and chosen so that PyCauset refuses the file ("unknown matrix type") rather than misread it.
import { z } from 'zod';
import { alignUp } from './bytes.js';
import { type ArrayDescriptor, describeIssue, descriptorSchema } from './descriptor.js';
import { type Dtype, dtypes, dtypeTraits } from './dtype.js';
import { FormatError, type FormatWarning, InvalidFileFormatError } from './errors.js';
import { payloadLayout, type Structure } from './layout.js';
import { type MetadataMap, type MetadataValue, meta } from './metadata.js';
import { metadataAlignment, type Slot } from './slots.js';

const size = z
  .bigint({ error: 'must be an integer' })
  .min(0n)
  .max(BigInt(Number.MAX_SAFE_INTEGER))
  .transform(Number);

const fileSchema = z.object({
  rows: size,
  cols: size,
  matrix_type: z.string().optional(),
  data_type: z.string().optional(),
  payload_uuid: z.string().min(1),
  seed: z.bigint().min(0n).optional(),
  view: z
    .object({
      is_transposed: z.boolean().optional(),
      is_conjugated: z.boolean().optional(),
      // Block files have a plain number here, others a map.
      scalar: z.union([z.number(), z.object({ real: z.number(), imag: z.number() })]).optional(),
    })
    .optional(),
  payload_layout: z
    .object({ kind: z.string(), params: z.object({ has_diagonal: z.boolean().optional() }).optional() })
    .optional(),
  block_manifest: z
    .object({
      version: z.literal(1n),
      row_partitions: z.array(size),
      col_partitions: z.array(size),
      children: z.array(z.array(z.object({ path: z.string(), payload_uuid: z.string() }))),
    })
    .optional(),
  cached: z.record(z.string(), z.unknown()).optional(),
  vgpu: z.object({ state: z.enum(['clean', 'dirty']).optional() }).optional(),
});
type FileMetadata = z.infer<typeof fileSchema>;

/** What a caller knows about a file that does not say what it is. */
export interface Assumption {
  readonly structure: Exclude<Structure, 'block' | 'unit-vector'>;
  readonly dtype: Dtype;
  /** Triangular only. */
  readonly diagonal?: boolean;
}

/** The file was saved without structure and dtype. Its payload is intact: read it with an assumption. */
export class UnidentifiedStructureError extends FormatError {
  override readonly name = 'UnidentifiedStructureError';
  readonly rows: number;
  readonly columns: number;
  /** Structures whose payload would have the length that the file has. */
  readonly candidates: readonly Assumption[];

  constructor(rows: number, columns: number, candidates: readonly Assumption[]) {
    const list = candidates.map(({ structure, dtype }) => `${structure} ${dtype}`).join(', ');
    super(
      'ERR_VGPU_FORMAT_UNIDENTIFIED',
      `the file says neither matrix_type nor data_type of its ${rows} × ${columns} matrix; by its length it may be: ${list || 'nothing known'}`,
      {
        values: { rows, columns, candidates: list },
        remedy: 'Say what it is with the option `assume`, or take the raw payload with readRawPayload.',
      },
    );
    this.rows = rows;
    this.columns = columns;
    this.candidates = candidates;
  }
}

export interface Description {
  readonly descriptor: ArrayDescriptor;
  /** False while an in-place update is, or was, under way. */
  readonly committed: boolean;
  readonly warnings: readonly FormatWarning[];
}

/**
 * Turns metadata into a descriptor. `slot` is needed because PyCauset does not store whether a triangular matrix has
 * a diagonal: only the payload's length shows it.
 * @throws InvalidFileFormatError bad-metadata
 * @throws UnidentifiedStructureError when the metadata names no structure and no assumption is given
 */
export function describeMetadata(metadata: MetadataMap, slot: Slot, assume?: Assumption): Description {
  const file = parseFile(metadata, slot);
  const warnings: FormatWarning[] = [];
  const warn = (code: FormatWarning['code'], message: string) =>
    warnings.push({ code, message, offset: slot.metadata.offset });

  const common = {
    rows: file.rows,
    columns: file.cols,
    view: viewOfFile(file),
    payloadUuid: file.payload_uuid,
    seed: file.seed ?? 0n,
  };
  const identity = identify(file, slot, assume, warn);
  const result = descriptorSchema.safeParse({ ...common, ...identity });
  if (!result.success) throw badMetadata(slot, describeIssue(result.error));

  warnAboutLayout(file, result.data.structure, warn);
  warnAboutCache(file, warn);
  return { descriptor: result.data, committed: file.vgpu?.state !== 'dirty', warnings };
}

function parseFile(metadata: MetadataMap, slot: Slot): FileMetadata {
  const result = fileSchema.safeParse(plain({ type: 'map', value: metadata }));
  if (result.success) return result.data;
  throw badMetadata(slot, describeIssue(result.error));
}

function viewOfFile({ view }: FileMetadata) {
  const scalar = view?.scalar ?? 1;
  return {
    transposed: view?.is_transposed ?? false,
    conjugated: view?.is_conjugated ?? false,
    scalar: typeof scalar === 'number' ? { re: scalar, im: 0 } : { re: scalar.real, im: scalar.imag },
  };
}

type Warn = (code: FormatWarning['code'], message: string) => void;

/** The fields of a descriptor that depend on the structure. */
function identify(file: FileMetadata, slot: Slot, assume: Assumption | undefined, warn: Warn): object {
  const { matrix_type: type, data_type: name, rows, cols } = file;
  if (type === undefined && name === undefined) {
    if (assume === undefined) throw new UnidentifiedStructureError(rows, cols, candidatesFor(file, slot));
    warn('structure-assumed', `read as ${assume.structure} ${assume.dtype}, which the file does not say`);
    return assume.structure === 'triangular' ? { ...assume, diagonal: assume.diagonal ?? false } : assume;
  }
  if (type === 'BLOCK') return identifyBlocks(file, slot);

  const dtype = dtypes.find((candidate) => dtypeTraits[candidate].metadataName === name);
  if (dtype === undefined) throw badMetadata(slot, `data_type: ${name ?? 'missing'}`);
  const match = nameTable.find((entry) => entry.type === type && entry.dtypes.includes(dtype));
  if (match === undefined)
    throw badMetadata(slot, `matrix_type: ${type ?? 'missing'} with data_type ${name}`);
  switch (match.structure) {
    case 'triangular':
      return { structure: 'triangular', dtype, diagonal: hasDiagonal(file, dtype, slot, warn) };
    case 'unit-vector':
      return { structure: 'unit-vector', dtype, index: Number(file.seed ?? 0n) };
    default:
      return { structure: match.structure, dtype };
  }
}

function identifyBlocks(file: FileMetadata, slot: Slot): object {
  const manifest = file.block_manifest;
  if (manifest === undefined) throw badMetadata(slot, 'block_manifest: missing');
  return {
    structure: 'block',
    rowPartitions: manifest.row_partitions,
    columnPartitions: manifest.col_partitions,
    blocks: manifest.children.map((row) =>
      row.map(({ path, payload_uuid }) => ({ path, payloadUuid: payload_uuid })),
    ),
  };
}

/** Too large is a possible answer here, and means that the length fits nothing. */
function lengthOf(rows: number, columns: number, assumption: Assumption): number | undefined {
  try {
    return payloadLayout({ ...assumption, rows, columns }).byteLength;
  } catch (error) {
    if (error instanceof FormatError) return undefined;
    throw error;
  }
}

/** PyCauset counts 64 bytes too many; a careful writer does not. */
function mayHaveLength(slot: Slot, length: number): boolean {
  return slot.payload.length === length + 64 || slot.payload.length === length;
}

function hasDiagonal(file: FileMetadata, dtype: Dtype, slot: Slot, warn: Warn): boolean {
  const stated = file.payload_layout?.params?.has_diagonal;
  if (stated !== undefined) return stated;
  const { rows, cols } = file;
  const strict = lengthOf(rows, cols, { structure: 'triangular', dtype, diagonal: false });
  const full = lengthOf(rows, cols, { structure: 'triangular', dtype, diagonal: true });
  if (strict === undefined || full === undefined || strict === full || !mayHaveLength(slot, full))
    return false;
  if (mayHaveLength(slot, strict)) {
    // 64 bytes more can be the diagonal or the usual miscount: a fresh file has its metadata right behind the payload.
    const place = (length: number) => alignUp(slot.payload.offset + length, metadataAlignment);
    const { offset } = slot.metadata;
    if (place(full) !== offset || place(strict) === offset) return false;
  }
  warn(
    'diagonal-inferred',
    'the payload is as long as a triangular matrix with its diagonal; the file does not say so',
  );
  return true;
}

const unidentified = ['symmetric', 'antisymmetric', 'diagonal'] as const;

function candidatesFor(file: FileMetadata, slot: Slot): Assumption[] {
  // PyCauset leaves out the names for these three only, and has them for f64 only.
  return unidentified
    .map((structure): Assumption => ({ structure, dtype: 'f64' }))
    .filter((candidate) => {
      const length = lengthOf(file.rows, file.cols, candidate);
      return length !== undefined && mayHaveLength(slot, length);
    });
}

function warnAboutLayout(file: FileMetadata, structure: Structure, warn: Warn): void {
  const kind = file.payload_layout?.kind;
  if (kind === undefined || kind === 'raw_native' || kind === layoutKind(structure)) return;
  warn(
    'unknown-layout',
    `payload_layout.kind is ${JSON.stringify(kind)}, not ${layoutKind(structure)}: ignored`,
  );
}

const cacheEntry = z.object({ signature: z.object({ payload_uuid: z.string() }) });

function warnAboutCache(file: FileMetadata, warn: Warn): void {
  for (const [name, entry] of Object.entries(file.cached ?? {})) {
    const result = cacheEntry.safeParse(entry);
    if (result.success && result.data.signature.payload_uuid === file.payload_uuid) continue;
    warn('stale-cache', `cached.${name} belongs to another payload`);
  }
}

interface NameEntry {
  readonly type: string;
  readonly structure: Exclude<Structure, 'block'>;
  readonly dtypes: readonly Dtype[];
  /** Written for these only; read for all of `dtypes`. */
  readonly diagonal?: boolean;
}

const integers = dtypes.filter((dtype) => ['signed', 'unsigned'].includes(dtypeTraits[dtype].kind));
const others = dtypes.filter((dtype) => !integers.includes(dtype));

/** The first entry that fits is the one that is written. */
const nameTable: readonly NameEntry[] = [
  { type: 'DENSE_FLOAT', structure: 'dense', dtypes: others },
  { type: 'INTEGER', structure: 'dense', dtypes: integers },
  { type: 'CAUSAL', structure: 'triangular', dtypes: ['bit'], diagonal: false },
  { type: 'TRIANGULAR_FLOAT', structure: 'triangular', dtypes: ['f64'], diagonal: false },
  { type: 'TRIANGULAR_INTEGER', structure: 'triangular', dtypes: ['i32'], diagonal: false },
  { type: 'TRIANGULAR', structure: 'triangular', dtypes },
  { type: 'SYMMETRIC', structure: 'symmetric', dtypes },
  { type: 'ANTISYMMETRIC', structure: 'antisymmetric', dtypes },
  { type: 'DIAGONAL', structure: 'diagonal', dtypes },
  { type: 'IDENTITY', structure: 'identity', dtypes },
  { type: 'VECTOR', structure: 'vector', dtypes },
  { type: 'UNIT_VECTOR', structure: 'unit-vector', dtypes },
];

function layoutKind(structure: Structure): string {
  if (structure === 'block') return 'none';
  return structure === 'triangular' ? 'raw_triangular' : 'raw_dense';
}

/** The other direction. `extra` keeps what the descriptor does not know, such as `properties`. */
export function metadataFor(
  descriptor: ArrayDescriptor,
  extra: MetadataMap = new Map(),
  committed = true,
): MetadataMap {
  const { rows, columns, view, payloadUuid } = descriptor;
  const params: Record<string, MetadataValue> = {};
  if (descriptor.structure === 'triangular') params.has_diagonal = meta.bool(descriptor.diagonal);
  const scalar = meta.map({ real: meta.f64(view.scalar.re), imag: meta.f64(view.scalar.im) });
  const entries: Record<string, MetadataValue> = {
    rows: meta.u64(rows),
    cols: meta.u64(columns),
    payload_uuid: meta.string(payloadUuid),
    seed: meta.u64(descriptor.structure === 'unit-vector' ? descriptor.index : descriptor.seed),
    payload_layout: meta.map({
      kind: meta.string(layoutKind(descriptor.structure)),
      params: meta.map(params),
    }),
    view: meta.map({
      is_transposed: meta.bool(view.transposed),
      is_conjugated: meta.bool(view.conjugated),
      scalar,
    }),
    ...namesFor(descriptor),
  };
  const state = new Map(vgpuEntries(extra)).set('state', meta.string('dirty'));
  if (committed) state.delete('state');
  const result = new Map([...extra, ...Object.entries(entries)]);
  result.delete('vgpu');
  if (state.size > 0) result.set('vgpu', { type: 'map', value: state });
  return result;
}

function vgpuEntries(extra: MetadataMap): MetadataMap {
  const value = extra.get('vgpu');
  return value?.type === 'map' ? value.value : new Map();
}

function namesFor(descriptor: ArrayDescriptor): Record<string, MetadataValue> {
  if (descriptor.structure === 'block') {
    const bounds = (values: readonly number[]) => meta.array(values.map(meta.u64));
    const child = ({ path, payloadUuid }: { path: string; payloadUuid: string }) =>
      meta.map({ path: meta.string(path), payload_uuid: meta.string(payloadUuid) });
    return {
      matrix_type: meta.string('BLOCK'),
      data_type: meta.string('MIXED'),
      block_manifest: meta.map({
        version: meta.u64(1),
        row_partitions: bounds(descriptor.rowPartitions),
        col_partitions: bounds(descriptor.columnPartitions),
        children: meta.array(descriptor.blocks.map((row) => meta.array(row.map(child)))),
      }),
    };
  }
  const { structure, dtype } = descriptor;
  const diagonal = descriptor.structure === 'triangular' ? descriptor.diagonal : undefined;
  const entry = nameTable.find(
    (candidate) =>
      candidate.structure === structure &&
      candidate.dtypes.includes(dtype) &&
      (candidate.diagonal === undefined || candidate.diagonal === diagonal),
  );
  if (entry === undefined)
    throw new FormatError('ERR_VGPU_FORMAT_ARGUMENT', `no name for ${structure} ${dtype}`);
  return { matrix_type: meta.string(entry.type), data_type: meta.string(dtypeTraits[dtype].metadataName) };
}

/** Metadata as ordinary values: integers become bigints, maps become objects without a prototype. */
export function plain(entry: MetadataValue): unknown {
  if (entry.type === 'array') return entry.value.map(plain);
  if (entry.type !== 'map') return entry.value;
  const result: Record<string, unknown> = Object.create(null);
  for (const [key, value] of entry.value) result[key] = plain(value);
  return result;
}

function badMetadata(slot: Slot, what: string): InvalidFileFormatError {
  return new InvalidFileFormatError('bad-metadata', 'the metadata describes no array', {
    offset: slot.metadata.offset,
    found: what,
    expected: 'a complete and consistent description',
  });
}
