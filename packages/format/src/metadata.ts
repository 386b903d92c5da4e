// The metadata block: a 32-byte header and a typed map. Each `readX` has its `writeX`.
import { BoundedReader, hex, viewOf } from './bytes.js';
import { crc32 } from './crc32.js';
import { FormatError, InvalidFileFormatError } from './errors.js';

/**
 * A metadata value with the type it has in the file. The tag stays with the value because 3 as u64, as i64 and as
 * f64 are different bytes, and a file that nobody changed must be written back as it was.
 */
export type MetadataValue =
  | { readonly type: 'bool'; readonly value: boolean }
  | { readonly type: 'i64'; readonly value: bigint }
  | { readonly type: 'u64'; readonly value: bigint }
  | { readonly type: 'f64'; readonly value: number }
  | { readonly type: 'string'; readonly value: string }
  | { readonly type: 'bytes'; readonly value: Uint8Array }
  | { readonly type: 'array'; readonly value: readonly MetadataValue[] }
  | { readonly type: 'map'; readonly value: MetadataMap };

export type MetadataMap = ReadonlyMap<string, MetadataValue>;

// Shared, because two bytes in a file should not become an object each.
const yes: MetadataValue = { type: 'bool', value: true };
const no: MetadataValue = { type: 'bool', value: false };

/** Short ways to write metadata: `meta.map({ rows: meta.u64(3), view: meta.map({ … }) })`. */
export const meta = {
  bool: (value: boolean): MetadataValue => ({ type: 'bool', value }),
  i64: (value: bigint | number): MetadataValue => ({ type: 'i64', value: BigInt(value) }),
  u64: (value: bigint | number): MetadataValue => ({ type: 'u64', value: BigInt(value) }),
  f64: (value: number): MetadataValue => ({ type: 'f64', value }),
  string: (value: string): MetadataValue => ({ type: 'string', value }),
  bytes: (value: Uint8Array): MetadataValue => ({ type: 'bytes', value }),
  array: (value: readonly MetadataValue[]): MetadataValue => ({ type: 'array', value }),
  map: (value: Readonly<Record<string, MetadataValue>>): MetadataValue => ({
    type: 'map',
    value: new Map(Object.entries(value)),
  }),
};

const tags = { bool: 1, i64: 2, u64: 3, f64: 4, string: 5, bytes: 6, array: 7, map: 8 } as const;

export const metadataHeaderBytes = 32;
const blockMagic = [0x50, 0x43, 0x4d, 0x42]; // "PCMB"
const blockVersion = 1;
const encodingVersion = 1;

/** Deeper nesting is refused: it would end in a stack overflow, here or in the next reader. */
export const maximumMetadataDepth = 64;
/** Values in memory take up to ten times their bytes in the file, so an absurd block is refused beforehand. */
export const maximumMetadataBytes = 16 * 1024 * 1024;

/**
 * Reads a whole metadata block. `origin` is its offset in the file, for the offsets in errors.
 * @throws InvalidFileFormatError bad-metadata, bad-checksum, unsupported-version
 */
export function decodeMetadata(block: Uint8Array, origin = 0): MetadataMap {
  const reader = new BoundedReader(readBlockHeader(block, origin), origin + metadataHeaderBytes);
  const root = readValue(reader, 0, 'the metadata');
  if (root.type !== 'map') {
    throw badMetadata('the top level of the metadata', origin + metadataHeaderBytes, root.type, 'map');
  }
  if (reader.remaining > 0) {
    throw badMetadata('bytes follow the metadata', reader.offset, `${reader.remaining} bytes`, 'none');
  }
  return root.value;
}

/** @throws FormatError ERR_VGPU_FORMAT_ARGUMENT for a value that the file cannot hold. */
export function encodeMetadata(map: MetadataMap): Uint8Array {
  const sink = new ByteSink();
  writeValue(sink, { type: 'map', value: map }, 0);
  const payload = sink.finish();
  const block = new Uint8Array(metadataHeaderBytes + payload.length);
  writeBlockHeader(block, payload);
  block.set(payload, metadataHeaderBytes);
  return block;
}

function readBlockHeader(block: Uint8Array, origin: number): Uint8Array {
  if (block.length < metadataHeaderBytes) {
    throw badMetadata('the metadata block', origin, `${block.length} bytes`, 'at least 32 bytes');
  }
  if (block.length > maximumMetadataBytes) {
    throw badMetadata(
      'the metadata block',
      origin,
      `${block.length} bytes`,
      `at most ${maximumMetadataBytes}`,
    );
  }
  const view = viewOf(block);
  if (blockMagic.some((byte, index) => block[index] !== byte)) {
    throw badMetadata(
      'the metadata block does not begin with PCMB',
      origin,
      hex(block.subarray(0, 4)),
      '50434d42',
    );
  }
  expectVersion('the metadata block version', origin + 4, view.getUint32(4, true), blockVersion);
  expectVersion('the metadata encoding version', origin + 8, view.getUint32(8, true), encodingVersion);
  for (const offset of [12, 28]) {
    const found = view.getUint32(offset, true);
    if (found !== 0) throw badMetadata('a reserved field of the metadata block', origin + offset, found, 0);
  }
  const length = view.getBigUint64(16, true);
  const payload = block.subarray(metadataHeaderBytes);
  if (length !== BigInt(payload.length)) {
    throw badMetadata('the length of the metadata', origin + 16, length, payload.length);
  }
  const [found, expected] = [crc32(payload), view.getUint32(24, true)];
  if (found !== expected) {
    throw new InvalidFileFormatError('bad-checksum', 'the metadata does not match its CRC-32', {
      offset: origin + 24,
      found,
      expected,
    });
  }
  return payload;
}

function writeBlockHeader(block: Uint8Array, payload: Uint8Array): void {
  const view = viewOf(block);
  block.set(blockMagic);
  view.setUint32(4, blockVersion, true);
  view.setUint32(8, encodingVersion, true);
  view.setBigUint64(16, BigInt(payload.length), true);
  view.setUint32(24, crc32(payload), true);
}

function readValue(reader: BoundedReader, depth: number, what: string): MetadataValue {
  const offset = reader.offset;
  const tag = reader.u8(what);
  switch (tag) {
    case tags.bool: {
      const byte = reader.u8(what);
      if (byte > 1) throw badMetadata(`${what} is no boolean`, offset + 1, byte, '0 or 1');
      return byte === 1 ? yes : no;
    }
    case tags.i64:
      return { type: 'i64', value: reader.i64(what) };
    case tags.u64:
      return { type: 'u64', value: reader.u64(what) };
    case tags.f64:
      return { type: 'f64', value: reader.f64(what) };
    case tags.string:
      return { type: 'string', value: reader.text(reader.u32(what), what) };
    case tags.bytes:
      return { type: 'bytes', value: new Uint8Array(reader.bytes(reader.u32(what), what)) };
    case tags.array:
      return { type: 'array', value: readArray(reader, descend(depth, offset), what) };
    case tags.map:
      return { type: 'map', value: readMap(reader, descend(depth, offset), what) };
    default:
      throw badMetadata(`${what} has an unknown type`, offset, tag, '1 to 8');
  }
}

function writeValue(sink: ByteSink, entry: MetadataValue, depth: number): void {
  sink.u8(tags[entry.type]);
  switch (entry.type) {
    case 'bool':
      sink.u8(entry.value ? 1 : 0);
      break;
    case 'i64':
      sink.i64(entry.value);
      break;
    case 'u64':
      sink.u64(entry.value);
      break;
    case 'f64':
      sink.f64(entry.value);
      break;
    case 'string':
      sink.sized(encodeText(entry.value));
      break;
    case 'bytes':
      sink.sized(entry.value);
      break;
    case 'array':
      writeArray(sink, entry.value, writableDepth(depth));
      break;
    case 'map':
      writeMap(sink, entry.value, writableDepth(depth));
      break;
  }
}

function readArray(reader: BoundedReader, depth: number, what: string): MetadataValue[] {
  const count = readCount(reader, 2, what);
  const items: MetadataValue[] = [];
  for (let index = 0; index < count; index++) items.push(readValue(reader, depth, what));
  return items;
}

function writeArray(sink: ByteSink, items: readonly MetadataValue[], depth: number): void {
  sink.u32(items.length);
  for (const item of items) writeValue(sink, item, depth);
}

function readMap(reader: BoundedReader, depth: number, what: string): MetadataMap {
  const count = readCount(reader, 4, what);
  const map = new Map<string, MetadataValue>();
  for (let index = 0; index < count; index++) {
    const offset = reader.offset;
    const key = reader.text(reader.u16(what), 'a metadata key');
    // Readers that let the last one win and readers that let the first one win would see different files.
    if (map.has(key))
      throw badMetadata('a metadata key occurs twice', offset, printable(key), 'each key once');
    map.set(key, readValue(reader, depth, `metadata key ${printable(key)}`));
  }
  return map;
}

function writeMap(sink: ByteSink, map: MetadataMap, depth: number): void {
  const entries = [...map].map(([key, value]) => ({ key: encodeText(key), value }));
  entries.sort((a, b) => compareBytes(a.key, b.key));
  sink.u32(entries.length);
  for (const { key, value } of entries) {
    if (key.length > 0xffff) {
      throw new FormatError('ERR_VGPU_FORMAT_ARGUMENT', `a metadata key of ${key.length} bytes is too long`, {
        values: { length: key.length, limit: 0xffff },
      });
    }
    sink.u16(key.length);
    sink.raw(key);
    writeValue(sink, value, depth);
  }
}

/** A count of entries that take at least `smallest` bytes each: more than fit is a lie, and is not believed. */
function readCount(reader: BoundedReader, smallest: number, what: string): number {
  const offset = reader.offset;
  const count = reader.u32(what);
  if (count * smallest > reader.remaining) {
    throw badMetadata(
      `${what} claims more entries than fit`,
      offset,
      count,
      `${reader.remaining} bytes follow`,
    );
  }
  return count;
}

function descend(depth: number, offset: number): number {
  if (depth >= maximumMetadataDepth) {
    throw badMetadata(
      'the metadata is nested too deeply',
      offset,
      depth + 1,
      `at most ${maximumMetadataDepth}`,
    );
  }
  return depth + 1;
}

function writableDepth(depth: number): number {
  if (depth >= maximumMetadataDepth) {
    throw new FormatError('ERR_VGPU_FORMAT_ARGUMENT', 'the metadata is nested too deeply', {
      values: { limit: maximumMetadataDepth },
    });
  }
  return depth + 1;
}

const encoder = new TextEncoder();

function encodeText(text: string): Uint8Array {
  // The encoder would replace a lone surrogate silently, and the text read back would be another.
  if (/\p{Surrogate}/u.test(text)) {
    throw new FormatError('ERR_VGPU_FORMAT_ARGUMENT', 'a metadata string holds half a surrogate pair');
  }
  return encoder.encode(text);
}

/** Byte order is code point order in UTF-8, and that is how other implementations sort. */
function compareBytes(a: Uint8Array, b: Uint8Array): number {
  const shared = Math.min(a.length, b.length);
  for (let index = 0; index < shared; index++) {
    const difference = (a[index] ?? 0) - (b[index] ?? 0);
    if (difference !== 0) return difference;
  }
  return a.length - b.length;
}

function printable(key: string): string {
  return JSON.stringify(key.length > 40 ? `${key.slice(0, 40)}…` : key);
}

function expectVersion(what: string, offset: number, found: number, expected: number): void {
  if (found !== expected)
    throw new InvalidFileFormatError('unsupported-version', what, { offset, found, expected });
}

function badMetadata(
  what: string,
  offset: number,
  found: string | number | bigint,
  expected: string | number,
): InvalidFileFormatError {
  return new InvalidFileFormatError('bad-metadata', what, { offset, found, expected });
}

/** Grows as it is written to. */
class ByteSink {
  #bytes = new Uint8Array(256);
  #view = viewOf(this.#bytes);
  #length = 0;

  u8(value: number): void {
    const start = this.#grow(1);
    this.#view.setUint8(start, value);
  }

  u16(value: number): void {
    const start = this.#grow(2);
    this.#view.setUint16(start, value, true);
  }

  u32(value: number): void {
    const start = this.#grow(4);
    this.#view.setUint32(start, value, true);
  }

  u64(value: bigint): void {
    if (BigInt.asUintN(64, value) !== value) throw outOfType(value, 'u64');
    const start = this.#grow(8);
    this.#view.setBigUint64(start, value, true);
  }

  i64(value: bigint): void {
    if (BigInt.asIntN(64, value) !== value) throw outOfType(value, 'i64');
    const start = this.#grow(8);
    this.#view.setBigInt64(start, value, true);
  }

  f64(value: number): void {
    const start = this.#grow(8);
    this.#view.setFloat64(start, value, true);
  }

  raw(bytes: Uint8Array): void {
    const start = this.#grow(bytes.length);
    this.#bytes.set(bytes, start);
  }

  /** A u32 length and the bytes. */
  sized(bytes: Uint8Array): void {
    this.u32(bytes.length);
    this.raw(bytes);
  }

  finish(): Uint8Array {
    return this.#bytes.slice(0, this.#length);
  }

  /** Call it before looking at #bytes or #view: both may be others afterwards. */
  #grow(count: number): number {
    const start = this.#length;
    this.#length += count;
    if (this.#length > maximumMetadataBytes - metadataHeaderBytes) {
      throw new FormatError('ERR_VGPU_FORMAT_ARGUMENT', 'the metadata is too large', {
        values: { limit: maximumMetadataBytes },
      });
    }
    if (this.#length > this.#bytes.length) {
      const larger = new Uint8Array(Math.max(this.#length, this.#bytes.length * 2));
      larger.set(this.#bytes);
      this.#bytes = larger;
      this.#view = viewOf(larger);
    }
    return start;
  }
}

function outOfType(value: bigint, type: string): FormatError {
  return new FormatError('ERR_VGPU_FORMAT_ARGUMENT', `${value} does not fit into ${type}`, {
    values: { value },
  });
}
