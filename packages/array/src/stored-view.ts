// Typed arrays over the stored bytes of each dtype, without copying.
import { endianness } from 'node:os';
import type { Dtype } from '@vgpu/format';
import { ArrayError } from './errors.js';

/**
 * Stored elements: Float64Array for f64, and so on. f16 comes as Uint16Array (its bits), bit as Uint8Array (eight
 * elements a byte, the first in the lowest bit), cf32 and cf64 as pairs of real and imaginary part.
 */
export type StoredArray =
  | Uint8Array
  | Int8Array
  | Uint16Array
  | Int16Array
  | Uint32Array
  | Int32Array
  | BigUint64Array
  | BigInt64Array
  | Float32Array
  | Float64Array;

/** cf16 keeps real and imaginary parts apart; both are the bits of f16. */
export interface PlanarView {
  readonly re: Uint16Array;
  readonly im: Uint16Array;
}

export type StoredView = StoredArray | PlanarView;

type TypedConstructor<T> = new (buffer: ArrayBufferLike, offset: number, length: number) => T;

const constructors: Readonly<
  Record<Dtype, TypedConstructor<StoredArray> & { readonly BYTES_PER_ELEMENT: number }>
> = {
  bit: Uint8Array,
  i8: Int8Array,
  i16: Int16Array,
  i32: Int32Array,
  i64: BigInt64Array,
  u8: Uint8Array,
  u16: Uint16Array,
  u32: Uint32Array,
  u64: BigUint64Array,
  f16: Uint16Array,
  f32: Float32Array,
  f64: Float64Array,
  cf16: Uint16Array,
  cf32: Float32Array,
  cf64: Float64Array,
};

/** `planes` are the bytes of each plane: two for cf16, one for every other dtype. */
export function storedView(dtype: Dtype, planes: readonly Uint8Array[]): StoredView {
  if (endianness() !== 'LE') {
    throw new ArrayError('ERR_VGPU_ARRAY_UNSUPPORTED', 'typed views need a little-endian machine', {
      remedy: 'Use get() and set(), which work on any machine.',
    });
  }
  const [first = new Uint8Array(), second] = planes;
  if (second !== undefined) return { re: halves(first), im: halves(second) };
  const type = constructors[dtype];
  return new type(first.buffer, first.byteOffset, first.byteLength / type.BYTES_PER_ELEMENT);
}

function halves({ buffer, byteOffset, byteLength }: Uint8Array): Uint16Array {
  return new Uint16Array(buffer, byteOffset, byteLength / 2);
}

/** The bytes behind a view, in the order of the file; for cf16 there are two runs. */
export function bytesOf(view: StoredView): Uint8Array[] {
  const parts = 're' in view ? [view.re, view.im] : [view];
  return parts.map(({ buffer, byteOffset, byteLength }) => new Uint8Array(buffer, byteOffset, byteLength));
}
