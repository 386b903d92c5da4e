// The container's header: a 16-byte preamble and two slots, of which the newest valid one says where things are.
import { alignUp, type ByteLength, type ByteOffset, type Extent, endOf, isZero, viewOf } from './bytes.js';
import { crc32 } from './crc32.js';
import { FormatError, type FormatWarning, InvalidFileFormatError } from './errors.js';
import { checkMagicAndVersion, encodeHeader, simpleHeaderBytes } from './simple-header.js';

export const payloadAlignment = 4096;
export const metadataAlignment = 16;
export const slotBytes = 128;
/** Preamble and slots; what follows up to byte 4096 is unused. */
export const containerHeaderBytes = 272;

const slotCoveredBytes = 56;
const slotReservedOffset = 60;
/** A generation counts commits: one with the top bit set was never counted up to. */
const maximumGeneration = 2n ** 63n - 1n;

export type SlotName = 'A' | 'B';

/** What a slot says. Offsets count from the start of the file. */
export interface Slot {
  readonly generation: bigint;
  /** `length` is an upper bound: other writers count 64 bytes too many. */
  readonly payload: Extent;
  readonly metadata: Extent;
  /** Optional region for a cache; its content is not interpreted. */
  readonly hot: Extent;
}

export type SlotState =
  | { readonly name: SlotName; readonly slot: Slot; readonly problem?: undefined }
  | { readonly name: SlotName; readonly slot?: undefined; readonly problem: InvalidFileFormatError };

export interface ContainerHeader {
  readonly slots: readonly [SlotState, SlotState];
  readonly active: SlotName;
  readonly slot: Slot;
  readonly warnings: readonly FormatWarning[];
}

export function slotOffset(name: SlotName): ByteOffset {
  return (name === 'A' ? 16 : 144) as ByteOffset;
}

export function otherSlot(name: SlotName): SlotName {
  return name === 'A' ? 'B' : 'A';
}

/** Magic, version, endian marker and alignment; the slots come behind it. */
export function encodePreamble(): Uint8Array {
  const preamble = encodeHeader().subarray(0, 16);
  const view = viewOf(preamble);
  view.setUint8(12, 1);
  view.setUint16(13, payloadAlignment, true);
  return preamble;
}

/**
 * Reads preamble and slots and chooses the active one: the highest generation whose checksum is right and whose
 * ranges lie in the file. The first 272 bytes of the file are enough when `fileSize` is given.
 * @param choose reads this slot instead, whatever its generation.
 * @throws InvalidFileFormatError when no slot is valid, or a slot claims an impossible generation.
 */
export function readContainerHeader(
  bytes: Uint8Array,
  fileSize: number = bytes.length,
  choose?: SlotName,
): ContainerHeader {
  checkPreamble(bytes);
  const a = readSlot(bytes, 'A', fileSize);
  const b = readSlot(bytes, 'B', fileSize);
  const chosen = choose === undefined ? newest(a, b) : choose === 'A' ? a : b;
  if (chosen.slot === undefined) {
    throw choose === undefined ? refusal(bytes, a, b, chosen.problem) : chosen.problem;
  }

  const warnings: FormatWarning[] = [];
  for (const { name, problem } of [a, b]) {
    if (problem === undefined) {
      if (!isZero(slotBytesOf(bytes, name).subarray(slotReservedOffset))) {
        warnings.push({
          code: 'reserved-bytes',
          message: `reserved bytes of slot ${name} are in use`,
          offset: slotOffset(name) + slotReservedOffset,
        });
      }
    } else {
      warnings.push({
        code: 'slot-ignored',
        message: `slot ${name} is invalid (${problem.message}); the file's other slot was read`,
        offset: slotOffset(name),
      });
    }
  }
  if (
    choose === undefined &&
    a.slot &&
    b.slot &&
    a.slot.generation === b.slot.generation &&
    !sameSlot(a.slot, b.slot)
  ) {
    warnings.push({
      code: 'slots-disagree',
      message: `both slots have generation ${a.slot.generation} but say different things; slot A was read`,
      offset: slotOffset('A'),
    });
  }
  return { slots: [a, b], active: chosen.name, slot: chosen.slot, warnings };
}

function checkPreamble(bytes: Uint8Array): void {
  if (bytes.length > 0 && isZero(bytes.subarray(0, containerHeaderBytes))) {
    throw new InvalidFileFormatError(
      'not-committed',
      'the header is all zero: either no .pycauset file, or its writer was interrupted',
      { offset: 0, found: 'zeros', expected: 'PYCAUSET' },
    );
  }
  checkMagicAndVersion(bytes, 16);
  if (bytes.length >= simpleHeaderBytes && isZero(bytes.subarray(12, simpleHeaderBytes))) {
    throw new FormatError('ERR_VGPU_FORMAT_SIMPLE_FILE', 'a simple file carries neither shape nor dtype', {
      remedy: 'Read its header with decodeHeader, and its payload with the shape and dtype that you know.',
    });
  }
  const view = viewOf(bytes);
  const fields = [
    { what: 'the endian marker', offset: 12, found: view.getUint8(12), expected: 1 },
    {
      what: 'the payload alignment',
      offset: 13,
      found: view.getUint16(13, true),
      expected: payloadAlignment,
    },
    { what: 'the reserved byte of the preamble', offset: 15, found: view.getUint8(15), expected: 0 },
  ];
  for (const { what, ...details } of fields) {
    if (details.found !== details.expected) throw new InvalidFileFormatError('out-of-range', what, details);
  }
  if (bytes.length < containerHeaderBytes) {
    throw new InvalidFileFormatError('truncated', 'the slots are cut off', {
      offset: bytes.length,
      found: `${bytes.length} bytes`,
      expected: `${containerHeaderBytes} bytes`,
    });
  }
}

function slotBytesOf(bytes: Uint8Array, name: SlotName): Uint8Array {
  const start = slotOffset(name);
  return bytes.subarray(start, start + slotBytes);
}

/** The one with the higher generation; A when both have the same, as in other implementations. */
function newest(a: SlotState, b: SlotState): SlotState {
  if (a.slot === undefined) return b;
  if (b.slot === undefined) return a;
  return b.slot.generation > a.slot.generation ? b : a;
}

/** Neither slot is usable: the more telling problem is the one of a slot whose checksum is right. */
function refusal(bytes: Uint8Array, a: SlotState, b: SlotState, fallback: InvalidFileFormatError): Error {
  const slots = bytes.subarray(slotOffset('A'), containerHeaderBytes);
  if (isZero(slots)) {
    return new InvalidFileFormatError('not-committed', 'no slot was ever written', {
      offset: slotOffset('A'),
      found: 'zeros',
      expected: 'a slot',
    });
  }
  const problem = [a.problem, b.problem].find((each) => each !== undefined && each.reason !== 'bad-checksum');
  return problem ?? fallback;
}

function sameSlot(a: Slot, b: Slot): boolean {
  return sameExtent(a.payload, b.payload) && sameExtent(a.metadata, b.metadata) && sameExtent(a.hot, b.hot);
}

function sameExtent(a: Extent, b: Extent): boolean {
  return a.offset === b.offset && a.length === b.length;
}

function readSlot(bytes: Uint8Array, name: SlotName, fileSize: number): SlotState {
  const base = slotOffset(name);
  const raw = slotBytesOf(bytes, name);
  const view = viewOf(raw);
  const [found, expected] = [
    crc32(raw.subarray(0, slotCoveredBytes)),
    view.getUint32(slotCoveredBytes, true),
  ];
  if (found !== expected) {
    const problem = new InvalidFileFormatError('bad-checksum', `slot ${name} does not match its CRC-32`, {
      offset: base + slotCoveredBytes,
      found,
      expected,
    });
    return { name, problem };
  }
  const fields = Array.from({ length: 7 }, (_, index) => view.getBigUint64(index * 8, true));
  const [generation = 0n, ...places] = fields;
  // A checksum that is right vouches for the writer's intent, so this is no torn slot to step back from.
  if (generation > maximumGeneration) {
    throw new InvalidFileFormatError('out-of-range', `the generation of slot ${name}`, {
      offset: base,
      found: generation,
      expected: `at most ${maximumGeneration}`,
    });
  }
  const problem = placesProblem(places, name, fileSize);
  if (problem !== undefined) return { name, problem };
  const [
    payloadOffset = 0,
    payloadLength = 0,
    metadataOffset = 0,
    metadataLength = 0,
    hotOffset = 0,
    hotLength = 0,
  ] = places.map(Number);
  const slot = {
    generation,
    payload: { offset: payloadOffset as ByteOffset, length: payloadLength as ByteLength },
    metadata: { offset: metadataOffset as ByteOffset, length: metadataLength as ByteLength },
    hot: { offset: hotOffset as ByteOffset, length: hotLength as ByteLength },
  };
  return { name, slot };
}

const regions = [
  { what: 'payload', alignment: payloadAlignment, required: true },
  { what: 'metadata', alignment: metadataAlignment, required: true },
  { what: 'hot region', alignment: 1, required: false },
];

function placesProblem(
  places: readonly bigint[],
  name: SlotName,
  fileSize: number,
): InvalidFileFormatError | undefined {
  for (const [index, { what, alignment, required }] of regions.entries()) {
    const [offset = 0n, length = 0n] = places.slice(index * 2);
    if (!required && length === 0n) continue;
    const at = slotOffset(name) + 8 + index * 16;
    const problem = (reason: 'out-of-range' | 'truncated', found: bigint, expected: string) =>
      new InvalidFileFormatError(reason, `the ${what} of slot ${name}`, { offset: at, found, expected });

    if (offset + length > BigInt(Number.MAX_SAFE_INTEGER)) {
      return problem('out-of-range', offset + length, 'an end below 2^53');
    }
    if (offset % BigInt(alignment) !== 0n)
      return problem('out-of-range', offset, `a multiple of ${alignment}`);
    if (offset < BigInt(containerHeaderBytes))
      return problem('out-of-range', offset, 'an offset behind the header');
    if (offset + length > BigInt(fileSize)) {
      return problem('truncated', offset + length, `an end within the file's ${fileSize} bytes`);
    }
  }
  return undefined;
}

/** The 128 bytes of a slot. Publishing it is writing them at slotOffset(name), and flushing. */
export function encodeSlot(slot: Slot): Uint8Array {
  if (slot.generation < 0n || slot.generation > maximumGeneration) {
    throw new FormatError('ERR_VGPU_FORMAT_ARGUMENT', `${slot.generation} is no generation`, {
      values: { generation: slot.generation },
    });
  }
  const bytes = new Uint8Array(slotBytes);
  const view = viewOf(bytes);
  const { payload, metadata, hot } = slot;
  const fields = [payload.offset, payload.length, metadata.offset, metadata.length, hot.offset, hot.length];
  view.setBigUint64(0, slot.generation, true);
  for (const [index, field] of fields.entries()) view.setBigUint64(8 + index * 8, BigInt(field), true);
  view.setUint32(slotCoveredBytes, crc32(bytes.subarray(0, slotCoveredBytes)), true);
  return bytes;
}

/**
 * Where the next version of a file can go without touching a byte of the present one, first fit. A length of 0
 * places nothing.
 */
export function placeExtent(taken: readonly Extent[], length: number, alignment: number): Extent {
  let offset = alignUp(payloadAlignment, alignment);
  const inOrder = taken.filter((extent) => extent.length > 0).sort((a, b) => a.offset - b.offset);
  for (const extent of inOrder) {
    if (offset + length <= extent.offset) break;
    offset = alignUp(Math.max(offset, endOf(extent)), alignment);
  }
  return { offset, length: length as ByteLength };
}
