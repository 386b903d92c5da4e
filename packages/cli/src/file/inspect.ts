// `vgpu file inspect`: what a file says about itself, and a picture of it.
import { type Assumption, type MetadataMap, type MetadataValue, plain } from '@vgpu/format';
import { EXIT_FINDINGS } from '../errors.js';
import { formatBytes, formatCount } from '../output/bytes.js';
import type { Context, Outcome } from '../output/command.js';
import { errorDocument } from '../output/json.js';
import { drawPicture } from '../output/picture.js';
import type { Style } from '../output/style.js';
import { describeArray } from './describe.js';
import { type Examination, examine, type RawExtent, type SlotFinding } from './examine.js';
import { checkInput } from './paths.js';
import { type Region, regionsOf } from './regions.js';

export interface InspectOptions {
  readonly assume?: Assumption | undefined;
}

/** Damage is a finding: what can be read is shown all the same. */
export async function inspect(path: string, options: InspectOptions, context: Context): Promise<Outcome> {
  checkInput(path);
  return examine(path, options.assume, (found) => {
    const regions = regionsOf(found);
    const checksum = checksumOf(found.metadata);
    return {
      document: toDocument(found, regions, checksum),
      text: render(found, regions, checksum, context.style),
      exitCode: found.error === undefined ? 0 : EXIT_FINDINGS,
    };
  });
}

interface Checksum {
  readonly algorithm: string;
  readonly chunkBytes: number;
  readonly chunks: number;
}

/** What @vgpu/array wrote into the metadata; undefined when there is nothing like it. */
function checksumOf(metadata: MetadataMap | undefined): Checksum | undefined {
  const fields = mapOf(mapOf(metadata?.get('vgpu'))?.get('checksum'));
  const [algorithm, chunk, values] = ['algorithm', 'chunk_bytes', 'values'].map((key) => fields?.get(key));
  if (algorithm?.type !== 'string' || chunk?.type !== 'u64' || values?.type !== 'bytes') return undefined;
  return { algorithm: algorithm.value, chunkBytes: Number(chunk.value), chunks: values.value.length / 4 };
}

function mapOf(entry: MetadataValue | undefined): MetadataMap | undefined {
  return entry?.type === 'map' ? entry.value : undefined;
}

function toDocument(found: Examination, regions: readonly Region[], checksum: Checksum | undefined): object {
  const { path, kind, bytes, allocatedBytes, slots, description, npy, error } = found;
  return {
    path,
    kind,
    bytes,
    allocatedBytes,
    slots,
    array: description?.descriptor ?? null,
    npy: npy ?? null,
    payload: description?.payload ?? found.payload ?? null,
    committed: description?.committed ?? null,
    metadata: found.metadata ? plain({ type: 'map', value: found.metadata }) : null,
    checksum: checksum ?? null,
    warnings: warningsOf(found, regions),
    regions,
    error: error ? errorDocument(error) : null,
  };
}

interface Warning {
  readonly code: string;
  readonly message: string;
  readonly offset: number;
}

function warningsOf({ description, slots, payload }: Examination, regions: readonly Region[]): Warning[] {
  // Where nothing says what belongs to what, that nothing is referred to is no news.
  const legible = payload !== undefined || slots.some(({ valid }) => valid);
  const unreferenced = (legible ? regions : [])
    .filter(({ kind, name }) => kind === 'gap' && name.startsWith('unreferenced'))
    .map(({ offset, length }) => ({
      code: 'unreferenced-bytes',
      message: `${formatCount(length)} bytes belong to nothing`,
      offset,
    }));
  return [...(description?.warnings ?? []), ...unreferenced];
}

function render(
  found: Examination,
  regions: readonly Region[],
  checksum: Checksum | undefined,
  style: Style,
): string {
  const { path, kind, bytes, allocatedBytes, error } = found;
  const size = `${formatCount(bytes)} bytes (${formatBytes(bytes)}), ${formatBytes(allocatedBytes)} on disk`;
  const facts: [string, string][] = [
    ['file', `${kind === 'unknown' ? 'of an unknown kind' : kind}, ${size}`],
  ];
  facts.push(...arrayFacts(found), ...checksumFacts(found, checksum));
  for (const slot of found.slots) facts.push([`slot ${slot.name}`, slotText(slot, style)]);
  for (const { code, message } of warningsOf(found, regions)) facts.push(['warning', `${message} (${code})`]);
  if (error) facts.push(['error', style.bad(errorText(error))]);

  const boxes = regions.map((region) => ({ ...region, empty: region.kind === 'gap' }));
  return [
    style.bold(path),
    ...facts.map(([name, text]) => `  ${name.padEnd(10)}${text.replaceAll('\n', `\n${' '.repeat(12)}`)}`),
    ...metadataLines(found, style),
    ...(regions.length > 0 ? [''] : []),
    ...drawPicture(boxes, { unicode: style.unicode, formatLength: formatBytes }),
  ].join('\n');
}

function arrayFacts({ description, npy, payload }: Examination): [string, string][] {
  if (npy) {
    const order = npy.fortranOrder ? 'column-major' : 'row-major';
    const endian = npy.littleEndian ? 'little-endian' : 'big-endian';
    return [['array', `(${npy.shape.join(', ')}) ${npy.dtype}, ${order}, ${endian}, version ${npy.version}`]];
  }
  if (!description)
    return payload ? [['payload', `${formatBytes(payload.length)}, shape and dtype unknown`]] : [];
  return [
    ['array', describeArray(description.descriptor)],
    [
      'payload',
      `${formatCount(description.payload.length)} bytes at ${formatCount(description.payload.offset)}`,
    ],
    ['committed', description.committed ? 'yes' : 'no: an in-place update did not finish'],
  ];
}

function checksumFacts({ description }: Examination, checksum: Checksum | undefined): [string, string][] {
  if (!description) return [];
  if (!checksum) return [['checksum', 'none: damage to the payload cannot be noticed']];
  const { algorithm, chunkBytes, chunks } = checksum;
  const text = `${algorithm}, one for each ${formatBytes(chunkBytes)} (${formatCount(chunks)}); vgpu file verify checks it`;
  return [['checksum', text]];
}

function slotText(slot: SlotFinding, style: Style): string {
  const state = slot.active ? style.good('active') : slot.valid ? 'not active' : style.bad('invalid');
  const place = ({ offset, length }: RawExtent) => `${formatCount(length)} bytes at ${formatCount(offset)}`;
  const extents = [`payload ${place(slot.payload)}`, `metadata ${place(slot.metadata)}`];
  if (slot.hot.length > 0n) extents.push(`hot region ${place(slot.hot)}`);
  const checksum = slot.checksumOk ? 'CRC-32 right' : style.bad('CRC-32 wrong');
  return `${state}: ${slot.reason}\ngeneration ${formatCount(slot.generation)}, ${checksum}\n${extents.join(', ')}`;
}

function errorText(error: Error): string {
  const { code, remedy } = errorDocument(error);
  return [`${code}: ${error.message}`, ...(remedy === undefined ? [] : [`remedy: ${remedy}`])].join('\n');
}

/** Long values are cut: they are for programs, which take --json. */
const longestValue = 100;

function metadataLines({ metadata }: Examination, style: Style): string[] {
  if (!metadata) return [];
  const lines: string[] = [];
  const add = (path: string, value: MetadataValue) => {
    if (value.type === 'map' && value.value.size > 0) {
      for (const [key, entry] of value.value)
        add(path === '' ? safeKey(key) : `${path}.${safeKey(key)}`, entry);
    } else {
      lines.push(`    ${path} = ${valueText(value)}`);
    }
  };
  add('', { type: 'map', value: metadata });
  return [style.dim('  metadata'), ...lines];
}

/** A key of a stranger's file must not speak to the terminal. */
function safeKey(key: string): string {
  return /^[\w-]+$/.test(key) ? key : JSON.stringify(key);
}

function valueText(value: MetadataValue): string {
  if (value.type === 'bytes') return `${formatCount(value.value.length)} bytes`;
  if (value.type === 'u64' || value.type === 'i64' || value.type === 'f64') return String(value.value);
  const text = JSON.stringify(plain(value), (_, each: unknown) =>
    typeof each === 'bigint' ? String(each) : each instanceof Uint8Array ? `${each.length} bytes` : each,
  );
  return text.length > longestValue ? `${text.slice(0, longestValue)}...` : text;
}
