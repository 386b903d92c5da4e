// Block matrices: a container that only names others, which lie in the folder "<file>.blocks".
import { type Container, readContainer } from './container.js';
import type { ArrayDescriptor, BlockReference } from './descriptor.js';
import { type Dtype, dtypeTraits } from './dtype.js';
import { elementReader, type ValueReader, viewedReader } from './elements.js';
import { FormatError } from './errors.js';

/** Gives the bytes of a file in the matrix's folder, undefined when there is none. */
export type BlockLoader = (path: string) => Uint8Array | undefined;

export type BlockDescriptor = Extract<ArrayDescriptor, { structure: 'block' }>;

/**
 * The values of any container. A block matrix needs `load` for its blocks; others never call it.
 * @throws FormatError ERR_VGPU_FORMAT_BLOCKS when a block is missing or is not the one that the matrix names
 */
export function valuesOf(
  container: Pick<Container, 'descriptor' | 'payloadBytes'>,
  load?: BlockLoader,
): ValueReader {
  const { descriptor, payloadBytes } = container;
  if (descriptor.structure !== 'block') return elementReader(descriptor, payloadBytes);
  return blockReader(descriptor, (path) => {
    const bytes = load?.(path);
    if (bytes === undefined) return undefined;
    const block = readContainer(bytes);
    return { descriptor: block.descriptor, values: () => valuesOf(block) };
  });
}

/** An array that may be a block of a matrix. `values` is called once it is known to be the right one. */
export interface BlockSource {
  readonly descriptor: ArrayDescriptor;
  values(): ValueReader;
}

/**
 * The values of a block matrix whose blocks `open` finds by name, each once and at once; undefined where there is none.
 * @throws FormatError ERR_VGPU_FORMAT_BLOCKS when a block is missing or is not the one that the matrix names
 */
export function blockReader(
  descriptor: BlockDescriptor,
  open: (path: string) => BlockSource | undefined,
): ValueReader {
  const { rowPartitions, columnPartitions } = descriptor;
  const blocks = descriptor.blocks.map((references, row) =>
    references.map((reference, column) =>
      openBlock(reference, open, sizeOf(rowPartitions, row), sizeOf(columnPartitions, column)),
    ),
  );
  return viewedReader(descriptor, commonDtype(blocks.flat()), (row, column) => {
    const blockRow = partitionOf(rowPartitions, row);
    const blockColumn = partitionOf(columnPartitions, column);
    const block = blocks[blockRow]?.[blockColumn];
    if (block === undefined)
      throw new Error('unreachable: the descriptor has a block for each pair of partitions');
    return block.get(row - (rowPartitions[blockRow] ?? 0), column - (columnPartitions[blockColumn] ?? 0));
  });
}

function openBlock(
  reference: BlockReference,
  open: (path: string) => BlockSource | undefined,
  rows: number,
  columns: number,
): ValueReader {
  const { path, payloadUuid } = reference;
  const source = open(path);
  if (source === undefined) throw blockError(path, 'is missing');
  const { descriptor } = source;
  if (descriptor.structure === 'block')
    throw blockError(path, 'is a block matrix itself, which is not supported');
  if (descriptor.payloadUuid !== payloadUuid) {
    throw blockError(path, `has payload ${descriptor.payloadUuid}, not ${payloadUuid}`);
  }
  const reader = source.values();
  if (reader.rows !== rows || reader.columns !== columns) {
    throw blockError(path, `is ${reader.rows} × ${reader.columns}, not ${rows} × ${columns}`);
  }
  return reader;
}

function blockError(path: string, what: string): FormatError {
  return new FormatError('ERR_VGPU_FORMAT_BLOCKS', `block ${path} ${what}`, {
    values: { path },
    remedy: 'Keep a block matrix and the folder beside it, named like the file plus ".blocks", together.',
  });
}

function sizeOf(partitions: readonly number[], index: number): number {
  return (partitions[index + 1] ?? 0) - (partitions[index] ?? 0);
}

/** The last partition that begins at or before `position`. */
function partitionOf(partitions: readonly number[], position: number): number {
  let [low, high] = [0, partitions.length - 1];
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if ((partitions[middle] ?? 0) <= position) low = middle;
    else high = middle;
  }
  return low;
}

function commonDtype(blocks: readonly ValueReader[]): Dtype {
  const [first = 'f64', ...rest] = new Set(blocks.map(({ dtype }) => dtype));
  if (rest.length === 0) return first;
  return [first, ...rest].some((dtype) => dtypeTraits[dtype].kind === 'complex') ? 'cf64' : 'f64';
}
