// Whole containers: the header, the metadata and the payload put together.
import {
  type ByteLength,
  type ByteOffset,
  byteLength,
  type Extent,
  endOf,
  isZero,
  overlaps,
} from './bytes.js';
import { type ArrayDescriptor, type ArrayDescriptorInput, parseDescriptor } from './descriptor.js';
import { FormatError, type FormatWarning, InvalidFileFormatError } from './errors.js';
import { type PayloadLayout, payloadLayout } from './layout.js';
import { decodeMetadata, encodeMetadata, type MetadataMap } from './metadata.js';
import { type Assumption, describeMetadata, metadataFor } from './metadata-schema.js';
import {
  type ContainerHeader,
  containerHeaderBytes,
  encodePreamble,
  encodeSlot,
  metadataAlignment,
  otherSlot,
  payloadAlignment,
  placeExtent,
  readContainerHeader,
  type Slot,
  type SlotName,
  slotOffset,
} from './slots.js';

export interface ReadOptions {
  /** Structure and dtype of a file that does not say them. */
  readonly assume?: Assumption;
  /** Read a file whose in-place update never finished. */
  readonly allowUncommitted?: boolean;
  /** Read this slot, whatever its generation: the other version of the file, if it is still intact. */
  readonly slot?: SlotName;
}

/** What a container says about its array. */
export interface ContainerDescription {
  readonly descriptor: ArrayDescriptor;
  readonly layout: PayloadLayout;
  /** Exactly the bytes that the layout needs. */
  readonly payload: Extent;
  readonly metadata: MetadataMap;
  readonly committed: boolean;
  readonly warnings: readonly FormatWarning[];
}

export interface Container extends ContainerDescription {
  readonly header: ContainerHeader;
  /** A view of the input, not a copy. */
  readonly payloadBytes: Uint8Array;
}

/**
 * Reads a container that is in memory.
 * @throws InvalidFileFormatError, UnidentifiedStructureError, FormatError ERR_VGPU_FORMAT_SIMPLE_FILE
 */
export function readContainer(bytes: Uint8Array, options: ReadOptions = {}): Container {
  const header = readContainerHeader(bytes, bytes.length, options.slot);
  const { metadata } = header.slot;
  const block = bytes.subarray(metadata.offset, endOf(metadata));
  const description = describeContainer(header, block, options);
  const { offset, length } = description.payload;
  return {
    ...description,
    header,
    warnings: [...description.warnings, ...warningsAboutGaps(header, bytes)],
    payloadBytes: bytes.subarray(offset, offset + length),
  };
}

/**
 * The same for a file that is too large for memory: give it the header and the bytes of `header.slot.metadata`, and
 * read the payload where it says.
 */
export function describeContainer(
  header: ContainerHeader,
  metadataBlock: Uint8Array,
  options: ReadOptions = {},
): ContainerDescription {
  const { slot } = header;
  const metadata = decodeMetadata(metadataBlock, slot.metadata.offset);
  const { descriptor, committed, warnings } = describeMetadata(metadata, slot, options.assume);
  const layout = layoutOf(descriptor, slot);
  const payload = { offset: slot.payload.offset, length: layout.byteLength };
  checkPlaces(payload, slot);

  const all = [...header.warnings, ...warnings];
  if (!committed) {
    if (options.allowUncommitted !== true) throw notCommitted(slot);
    all.push({
      code: 'not-committed',
      message: 'an in-place update did not finish',
      offset: slot.metadata.offset,
    });
  }
  return { descriptor, layout, payload, metadata, committed, warnings: all };
}

/** The payload of a file whose structure is unknown: everything that may belong to it, possibly a little more. */
export function readRawPayload(bytes: Uint8Array, header = readContainerHeader(bytes)): Uint8Array {
  const { payload, metadata } = header.slot;
  const end = metadata.offset >= payload.offset ? Math.min(endOf(payload), metadata.offset) : endOf(payload);
  return bytes.subarray(payload.offset, end);
}

function layoutOf(descriptor: ArrayDescriptor, slot: Slot): PayloadLayout {
  if (descriptor.structure === 'block') return payloadLayout({ ...descriptor, dtype: 'f64' });
  try {
    return payloadLayout(descriptor);
  } catch (error) {
    if (!(error instanceof FormatError)) throw error;
    throw new InvalidFileFormatError('out-of-range', 'the array is larger than any payload can be', {
      offset: slot.metadata.offset,
      found: `${descriptor.rows} × ${descriptor.columns} ${descriptor.dtype}`,
      expected: `at most ${slot.payload.length} bytes`,
    });
  }
}

/** The declared length is only an upper bound: it may count 64 bytes too many, and so reach into the metadata. */
function checkPlaces(payload: Extent, slot: Slot): void {
  const problem = (what: string, found: string, expected: string) =>
    new InvalidFileFormatError('out-of-range', what, { offset: payload.offset, found, expected });

  if (payload.length > slot.payload.length) {
    throw problem(
      'the array needs more than its payload',
      `${slot.payload.length} bytes`,
      `${payload.length} bytes`,
    );
  }
  for (const [name, extent] of [
    ['metadata', slot.metadata],
    ['hot region', slot.hot],
  ] as const) {
    if (overlaps(payload, extent)) {
      throw problem(
        `payload and ${name} overlap`,
        `an end at ${endOf(payload)}`,
        `one at ${extent.offset} or before`,
      );
    }
  }
}

function notCommitted(slot: Slot): InvalidFileFormatError {
  return new InvalidFileFormatError('not-committed', 'an in-place update of the file did not finish', {
    offset: slot.metadata.offset,
    found: 'dirty',
    expected: 'clean',
  });
}

/**
 * About bytes that belong to nothing: between the slots and the first region, and at the end. The first 4096 bytes of
 * the file are enough when `fileSize` is given.
 */
export function warningsAboutGaps(
  header: ContainerHeader,
  bytes: Uint8Array,
  fileSize: number = bytes.length,
): FormatWarning[] {
  const warnings: FormatWarning[] = [];
  const extents = header.slots.flatMap(({ slot }) => (slot ? [slot.payload, slot.metadata, slot.hot] : []));
  const used = extents.filter(({ length }) => length > 0);
  const first = Math.min(payloadAlignment, ...used.map(({ offset }) => offset));
  if (!isZero(bytes.subarray(containerHeaderBytes, first))) {
    warnings.push({
      code: 'reserved-bytes',
      message: 'bytes between the slots and the first region are in use',
      offset: containerHeaderBytes,
    });
  }
  const end = Math.max(...used.map(endOf));
  if (end < fileSize) {
    warnings.push({
      code: 'unreferenced-bytes',
      message: `${fileSize - end} bytes at the end belong to no region`,
      offset: end,
    });
  }
  return warnings;
}

export interface NewContainer {
  readonly descriptor: ArrayDescriptorInput;
  /** As encodePayload makes it: exactly as long as the layout says. */
  readonly payload: Uint8Array;
  /** Further metadata to keep, such as `properties`; what the descriptor says takes precedence. */
  readonly metadata?: MetadataMap;
}

/** A new file: header, payload, metadata. @throws FormatError ERR_VGPU_FORMAT_ARGUMENT */
export function writeContainer({ descriptor, payload, metadata }: NewContainer): Uint8Array {
  const array = parseDescriptor(descriptor);
  checkPayload(array, payload.length);
  const block = encodeMetadata(metadataFor(array, metadata));
  const plan = planContainer(payload.length, block.length);
  const bytes = new Uint8Array(plan.fileBytes);
  bytes.set(plan.header);
  bytes.set(payload, plan.slot.payload.offset);
  bytes.set(block, plan.slot.metadata.offset);
  return bytes;
}

function checkPayload(descriptor: ArrayDescriptor, found: number): void {
  const { byteLength: expected } = payloadLayout(
    descriptor.structure === 'block' ? { ...descriptor, dtype: 'f64' } : descriptor,
  );
  if (found !== expected) {
    throw new FormatError('ERR_VGPU_FORMAT_ARGUMENT', `the payload has ${found} bytes, not ${expected}`, {
      values: { found, expected },
    });
  }
}

const nowhere: Extent = { offset: 0 as ByteOffset, length: 0 as ByteLength };

export interface ContainerPlan {
  /** Preamble and both slots. Written last, after payload and metadata are durable. */
  readonly header: Uint8Array;
  readonly slot: Slot;
  readonly fileBytes: ByteLength;
}

/** Where the parts of a new file go, for writers that stream the payload. */
export function planContainer(payloadBytes: number, metadataBytes: number): ContainerPlan {
  const payload = placeExtent([], byteLength(payloadBytes), payloadAlignment);
  const metadata = placeExtent([payload], byteLength(metadataBytes), metadataAlignment);
  const slot = { generation: 1n, payload, metadata, hot: nowhere };
  const header = new Uint8Array(containerHeaderBytes);
  header.set(encodePreamble());
  header.set(encodeSlot(slot), slotOffset('A'));
  // The second slot starts as a valid copy: damage to either one costs nothing.
  header.set(encodeSlot({ ...slot, generation: 0n }), slotOffset('B'));
  return { header, slot, fileBytes: Math.max(endOf(payload), endOf(metadata)) as ByteLength };
}

export interface UpdatePlan {
  /** The slot to write, and where, once payload and metadata are durable. */
  readonly name: SlotName;
  readonly slotOffset: ByteOffset;
  readonly slotBytes: Uint8Array;
  readonly slot: Slot;
  /** What the file's size must be at least. */
  readonly fileBytes: ByteLength;
}

/**
 * Where the next version of an open file goes. Nothing that the active slot refers to is touched, so a crash at any
 * moment leaves the old version. Write payload and metadata, flush, write the slot, flush.
 * @param payloadBytes of a new payload; without it the present one stays.
 */
export function planUpdate(
  header: ContainerHeader,
  change: { readonly payloadBytes?: number; readonly metadataBytes: number },
): UpdatePlan {
  const { slot: present, active } = header;
  const kept = [present.payload, present.metadata, present.hot];
  const payload =
    change.payloadBytes === undefined
      ? present.payload
      : placeExtent(kept, byteLength(change.payloadBytes), payloadAlignment);
  const metadata = placeExtent([...kept, payload], byteLength(change.metadataBytes), metadataAlignment);
  const slot = { generation: present.generation + 1n, payload, metadata, hot: nowhere };
  const name = otherSlot(active);
  return {
    name,
    slotOffset: slotOffset(name),
    slotBytes: encodeSlot(slot),
    slot,
    fileBytes: Math.max(endOf(payload), endOf(metadata)) as ByteLength,
  };
}
