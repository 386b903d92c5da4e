// Element types: their size, how one element is read and written, and the names other formats give them.
import { FormatError } from './errors.js';

export const dtypes = [
  'bit',
  'i8',
  'i16',
  'i32',
  'i64',
  'u8',
  'u16',
  'u32',
  'u64',
  'f16',
  'f32',
  'f64',
  'cf16',
  'cf32',
  'cf64',
] as const;
export type Dtype = (typeof dtypes)[number];

export interface Complex {
  readonly re: number;
  readonly im: number;
}

/** An element: a bigint for i64 and u64, a Complex for cf16, cf32 and cf64, a number for the others. */
export type Scalar = number | bigint | Complex;

export interface DtypeTraits {
  readonly kind: 'bit' | 'signed' | 'unsigned' | 'float' | 'complex';
  /** Of a whole element; 1/8 for bit. */
  readonly bytes: number;
  /** What `data_type` says in a container's metadata. */
  readonly metadataName: string;
}

export const dtypeTraits: Readonly<Record<Dtype, DtypeTraits>> = {
  bit: { kind: 'bit', bytes: 1 / 8, metadataName: 'BIT' },
  i8: { kind: 'signed', bytes: 1, metadataName: 'INT8' },
  i16: { kind: 'signed', bytes: 2, metadataName: 'INT16' },
  i32: { kind: 'signed', bytes: 4, metadataName: 'INT32' },
  i64: { kind: 'signed', bytes: 8, metadataName: 'INT64' },
  u8: { kind: 'unsigned', bytes: 1, metadataName: 'UINT8' },
  u16: { kind: 'unsigned', bytes: 2, metadataName: 'UINT16' },
  u32: { kind: 'unsigned', bytes: 4, metadataName: 'UINT32' },
  u64: { kind: 'unsigned', bytes: 8, metadataName: 'UINT64' },
  f16: { kind: 'float', bytes: 2, metadataName: 'FLOAT16' },
  f32: { kind: 'float', bytes: 4, metadataName: 'FLOAT32' },
  f64: { kind: 'float', bytes: 8, metadataName: 'FLOAT64' },
  cf16: { kind: 'complex', bytes: 4, metadataName: 'COMPLEX_FLOAT16' },
  cf32: { kind: 'complex', bytes: 8, metadataName: 'COMPLEX_FLOAT32' },
  cf64: { kind: 'complex', bytes: 16, metadataName: 'COMPLEX_FLOAT64' },
};

export function isComplex(value: Scalar): value is Complex {
  return typeof value === 'object';
}

/** Reads one element. Bits and the planes of cf16 are not addressed in whole elements: see ElementReader. */
export function readElement(view: DataView, offset: number, dtype: ByteDtype, littleEndian = true): Scalar {
  switch (dtype) {
    case 'i8':
      return view.getInt8(offset);
    case 'i16':
      return view.getInt16(offset, littleEndian);
    case 'i32':
      return view.getInt32(offset, littleEndian);
    case 'i64':
      return view.getBigInt64(offset, littleEndian);
    case 'u8':
      return view.getUint8(offset);
    case 'u16':
      return view.getUint16(offset, littleEndian);
    case 'u32':
      return view.getUint32(offset, littleEndian);
    case 'u64':
      return view.getBigUint64(offset, littleEndian);
    case 'f16':
      return float16ToNumber(view.getUint16(offset, littleEndian));
    case 'f32':
      return view.getFloat32(offset, littleEndian);
    case 'f64':
      return view.getFloat64(offset, littleEndian);
    case 'cf32':
      return { re: view.getFloat32(offset, littleEndian), im: view.getFloat32(offset + 4, littleEndian) };
    case 'cf64':
      return { re: view.getFloat64(offset, littleEndian), im: view.getFloat64(offset + 8, littleEndian) };
  }
}

export type ByteDtype = Exclude<Dtype, 'bit' | 'cf16'>;

/** Writes one element, little-endian. The caller has checked the value with `checkScalar`. */
export function writeElement(view: DataView, offset: number, dtype: ByteDtype, value: Scalar): void {
  switch (dtype) {
    case 'i8':
      view.setInt8(offset, Number(value));
      break;
    case 'i16':
      view.setInt16(offset, Number(value), true);
      break;
    case 'i32':
      view.setInt32(offset, Number(value), true);
      break;
    case 'i64':
      view.setBigInt64(offset, value as bigint, true);
      break;
    case 'u8':
      view.setUint8(offset, Number(value));
      break;
    case 'u16':
      view.setUint16(offset, Number(value), true);
      break;
    case 'u32':
      view.setUint32(offset, Number(value), true);
      break;
    case 'u64':
      view.setBigUint64(offset, value as bigint, true);
      break;
    case 'f16':
      view.setUint16(offset, numberToFloat16(Number(value)), true);
      break;
    case 'f32':
      view.setFloat32(offset, Number(value), true);
      break;
    case 'f64':
      view.setFloat64(offset, Number(value), true);
      break;
    case 'cf32': {
      const { re, im } = value as Complex;
      view.setFloat32(offset, re, true);
      view.setFloat32(offset + 4, im, true);
      break;
    }
    case 'cf64': {
      const { re, im } = value as Complex;
      view.setFloat64(offset, re, true);
      view.setFloat64(offset + 8, im, true);
      break;
    }
  }
}

const integerRanges: Partial<Record<Dtype, readonly [bigint, bigint]>> = {
  bit: [0n, 1n],
  ...Object.fromEntries(
    [8n, 16n, 32n, 64n].flatMap((bits) => [
      [`i${bits}`, [-(2n ** (bits - 1n)), 2n ** (bits - 1n) - 1n]],
      [`u${bits}`, [0n, 2n ** bits - 1n]],
    ]),
  ),
};

/**
 * The value in the form that `dtype` has: a bigint for 64-bit integers, a Complex for complex types.
 * @throws FormatError ERR_VGPU_FORMAT_ARGUMENT rather than wrap an integer or drop an imaginary part.
 */
export function checkScalar(value: Scalar, dtype: Dtype): Scalar {
  const { kind } = dtypeTraits[dtype];
  if (kind === 'complex') return isComplex(value) ? value : { re: Number(value), im: 0 };
  if (isComplex(value)) throw unfit(`${value.re}+${value.im}i`, dtype);
  if (kind === 'float') return Number(value);
  const range = integerRanges[dtype];
  if (typeof value === 'number' && !Number.isInteger(value)) throw unfit(value, dtype);
  if (range === undefined || value < range[0] || value > range[1]) throw unfit(value, dtype);
  return dtype === 'i64' || dtype === 'u64' ? BigInt(value) : Number(value);
}

function unfit(value: string | number | bigint, dtype: Dtype): FormatError {
  return new FormatError('ERR_VGPU_FORMAT_ARGUMENT', `${value} is no ${dtype}`, { values: { value, dtype } });
}

export function float16ToNumber(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 0x1f;
  const fraction = bits & 0x3ff;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 0x1f) return fraction === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

/** Rounds to the nearest, ties to even, as hardware does. */
export function numberToFloat16(value: number): number {
  if (Number.isNaN(value)) return 0x7e00;
  const sign = value < 0 || Object.is(value, -0) ? 0x8000 : 0;
  const magnitude = Math.abs(value);
  // Half a step above the largest finite value, 65504.
  if (magnitude >= 65520) return sign | 0x7c00;
  if (magnitude < 2 ** -14) return sign | roundHalfEven(magnitude * 2 ** 24);
  let exponent = Math.floor(Math.log2(magnitude));
  // log2 may round up to the next whole number.
  if (2 ** exponent > magnitude) exponent--;
  // A fraction that rounds up to 2048 carries into the exponent by itself.
  return sign | (((exponent + 15) << 10) + roundHalfEven((magnitude / 2 ** exponent) * 1024) - 1024);
}

function roundHalfEven(value: number): number {
  const below = Math.floor(value);
  const rest = value - below;
  if (rest !== 0.5) return rest < 0.5 ? below : below + 1;
  return below % 2 === 0 ? below : below + 1;
}
