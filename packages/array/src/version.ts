// The version of an array that a file holds now.
import {
  type ArrayDescriptor,
  type ContainerHeader,
  containerHeaderBytes,
  describeContainer,
  type FormatWarning,
  type MetadataMap,
  maximumMetadataBytes,
  type PayloadLayout,
  payloadAlignment,
  type ReadOptions,
  readContainerHeader,
  warningsAboutGaps,
} from '@vgpu/format';
import type { MappedFile } from '@vgpu/mmap-native';
import { decodeChecksum, type FileChecksum } from './checksum.js';
import type { Range } from './reading.js';

export interface Version {
  readonly header: ContainerHeader;
  readonly descriptor: ArrayDescriptor;
  readonly layout: PayloadLayout;
  /** Exactly the bytes that the layout needs. */
  readonly payload: Range;
  readonly metadata: MetadataMap;
  readonly committed: boolean;
  readonly warnings: readonly FormatWarning[];
  readonly checksum: FileChecksum;
}

/** Preamble and slots. */
export async function readHeader(file: MappedFile): Promise<ContainerHeader> {
  return readContainerHeader(await readUpTo(file, 0, containerHeaderBytes), file.size);
}

/** @throws FormatError and its kinds for what is wrong with the file, MmapError for what the system refuses */
export async function readVersion(file: MappedFile, options: ReadOptions = {}): Promise<Version> {
  const fileBytes = file.size;
  const start = await readUpTo(file, 0, payloadAlignment);
  const header = readContainerHeader(start.subarray(0, containerHeaderBytes), fileBytes, options.slot);
  const { metadata } = header.slot;
  // One byte too many is enough for the decoder to refuse a block that is too long.
  const block = await readUpTo(file, metadata.offset, Math.min(metadata.length, maximumMetadataBytes + 1));
  const description = describeContainer(header, block, options);
  return {
    header,
    ...description,
    warnings: [...description.warnings, ...warningsAboutGaps(header, start, fileBytes)],
    checksum: decodeChecksum(description.metadata, description.payload.length, metadata.offset),
  };
}

export async function readUpTo(file: MappedFile, offset: number, length: number): Promise<Uint8Array> {
  const bytes = new Uint8Array(length);
  return bytes.subarray(0, length === 0 ? 0 : await file.readAsync(offset, bytes));
}

/** The extents of every valid slot: what a crash may bring back, and so nobody may overwrite. */
export function extentsOf(header: ContainerHeader): Range[] {
  return header.slots
    .flatMap(({ slot }) => (slot === undefined ? [] : [slot.payload, slot.metadata, slot.hot]))
    .filter(({ length }) => length > 0);
}

export function endOfExtents(extents: readonly Range[]): number {
  return Math.max(containerHeaderBytes, ...extents.map(({ offset, length }) => offset + length));
}
