// Offsets with a type of their own, and the few bounded primitives that every read goes through.
import { FormatError, InvalidFileFormatError } from './errors.js';

declare const unit: unique symbol;

/** Bytes from the start of a file or payload. */
export type ByteOffset = number & { readonly [unit]: 'byte offset' };
/** A number of bytes. */
export type ByteLength = number & { readonly [unit]: 'byte length' };

export interface Extent {
  readonly offset: ByteOffset;
  readonly length: ByteLength;
}

function checked(value: number, what: string): number {
  if (!Number.isSafeInteger(value) || value < 0) {
    throw new FormatError('ERR_VGPU_FORMAT_ARGUMENT', `${value} is no ${what}`, { values: { value } });
  }
  return value;
}

/** @throws FormatError ERR_VGPU_FORMAT_ARGUMENT unless `value` is a whole number from 0 to 2^53 − 1. */
export function byteOffset(value: number): ByteOffset {
  return checked(value, 'byte offset') as ByteOffset;
}

/** @throws FormatError ERR_VGPU_FORMAT_ARGUMENT unless `value` is a whole number from 0 to 2^53 − 1. */
export function byteLength(value: number): ByteLength {
  return checked(value, 'byte length') as ByteLength;
}

export function endOf(extent: Extent): ByteOffset {
  return (extent.offset + extent.length) as ByteOffset;
}

export function overlaps(a: Extent, b: Extent): boolean {
  return a.length > 0 && b.length > 0 && a.offset < endOf(b) && b.offset < endOf(a);
}

export function alignUp(value: number, alignment: number): ByteOffset {
  return (Math.ceil(value / alignment) * alignment) as ByteOffset;
}

export function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

export function isZero(bytes: Uint8Array): boolean {
  for (const byte of bytes) if (byte !== 0) return false;
  return true;
}

export function hex(bytes: Uint8Array): string {
  let text = '';
  for (const byte of bytes) text += byte.toString(16).padStart(2, '0');
  return text;
}

// ignoreBOM keeps a leading U+FEFF in the text, so that text and bytes stay in step.
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** Reads forward through bytes; nothing is read or allocated beyond their end. */
export class BoundedReader {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  readonly #origin: number;
  #position = 0;

  /** `origin` is where `bytes` begin in the file, for the offsets in errors. */
  constructor(bytes: Uint8Array, origin: number) {
    this.#bytes = bytes;
    this.#view = viewOf(bytes);
    this.#origin = origin;
  }

  get remaining(): number {
    return this.#bytes.length - this.#position;
  }

  /** Where the next byte lies in the file. */
  get offset(): number {
    return this.#origin + this.#position;
  }

  u8(what: string): number {
    return this.#view.getUint8(this.#advance(1, what));
  }

  u16(what: string): number {
    return this.#view.getUint16(this.#advance(2, what), true);
  }

  u32(what: string): number {
    return this.#view.getUint32(this.#advance(4, what), true);
  }

  u64(what: string): bigint {
    return this.#view.getBigUint64(this.#advance(8, what), true);
  }

  i64(what: string): bigint {
    return this.#view.getBigInt64(this.#advance(8, what), true);
  }

  f64(what: string): number {
    return this.#view.getFloat64(this.#advance(8, what), true);
  }

  /** A view of the next bytes, not a copy. */
  bytes(length: number, what: string): Uint8Array {
    const start = this.#advance(length, what);
    return this.#bytes.subarray(start, start + length);
  }

  text(length: number, what: string): string {
    const offset = this.offset;
    const bytes = this.bytes(length, what);
    try {
      // A copy, because browsers decode no shared memory.
      return utf8.decode(new Uint8Array(bytes));
    } catch {
      throw new InvalidFileFormatError('bad-metadata', `${what} is no UTF-8`, {
        offset,
        found: hex(bytes.subarray(0, 16)),
        expected: 'valid UTF-8',
      });
    }
  }

  #advance(length: number, what: string): number {
    if (length > this.remaining) {
      throw new InvalidFileFormatError('bad-metadata', `${what} goes beyond the end of its block`, {
        offset: this.offset,
        found: `${this.remaining} bytes`,
        expected: `${length} bytes`,
      });
    }
    const start = this.#position;
    this.#position += length;
    return start;
  }
}
