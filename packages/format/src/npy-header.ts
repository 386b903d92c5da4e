// The header of NumPy's .npy files, versions 1 to 3: magic, version, length, and a Python dictionary as text.
import { type ByteOffset, viewOf } from './bytes.js';
import type { Dtype } from './dtype.js';
import { FormatError, InvalidFileFormatError } from './errors.js';
import { parsePythonLiteral, type PythonValue } from './python-literal.js';

/** "\x93NUMPY". */
export const npyMagic: readonly number[] = [0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59];

/** Element types that both sides have. A bit is a whole byte here; NumPy has no cf16. */
export type NpyDtype = Exclude<Dtype, 'cf16'>;
export type NpyVersion = 1 | 2 | 3;

export interface NpyHeader {
  readonly version: NpyVersion;
  readonly dtype: NpyDtype;
  readonly littleEndian: boolean;
  /** Column-major: the first index varies fastest. */
  readonly fortranOrder: boolean;
  readonly shape: readonly number[];
  readonly dataOffset: ByteOffset;
}

/** Longer ones are refused: 128 bytes are usual, and structures with thousands of fields are not read anyway. */
export const maximumNpyHeaderBytes = 0xffff;

const headerAlignment = 64;

interface NpyType {
  /** Kind and bytes, as in `descr`. */
  readonly code: string;
  readonly bytes: number;
}

export const npyTypes: Readonly<Record<NpyDtype, NpyType>> = {
  bit: { code: 'b1', bytes: 1 },
  i8: { code: 'i1', bytes: 1 },
  i16: { code: 'i2', bytes: 2 },
  i32: { code: 'i4', bytes: 4 },
  i64: { code: 'i8', bytes: 8 },
  u8: { code: 'u1', bytes: 1 },
  u16: { code: 'u2', bytes: 2 },
  u32: { code: 'u4', bytes: 4 },
  u64: { code: 'u8', bytes: 8 },
  f16: { code: 'f2', bytes: 2 },
  f32: { code: 'f4', bytes: 4 },
  f64: { code: 'f8', bytes: 8 },
  cf32: { code: 'c8', bytes: 8 },
  cf64: { code: 'c16', bytes: 16 },
};

/** The names of what NumPy can store and this package cannot, for the error. */
const unsupportedTypes: readonly (readonly [RegExp, string])[] = [
  [/^f(10|12|16)$/, 'long double'],
  [/^c(20|24|32)$/, 'complex long double'],
  [/^[Sa]\d*$/, 'byte string'],
  [/^U\d*$/, 'Unicode string'],
  [/^O\d*$/, 'Python object'],
  [/^V\d*$/, 'raw bytes or a structure'],
  [/^M8/, 'date and time'],
  [/^m8/, 'time difference'],
];

/**
 * Reads the header; the data need not be there. `decodeNpyHeader(first kilobyte)` is usually enough.
 * @throws InvalidFileFormatError truncated, bad-magic, unsupported-version, bad-metadata
 * @throws FormatError ERR_VGPU_FORMAT_NPY_DTYPE for an element type that has no counterpart
 */
export function decodeNpyHeader(bytes: Uint8Array): NpyHeader {
  const version = readVersion(bytes);
  const view = viewOf(bytes);
  const textOffset = version === 1 ? 10 : 12;
  needBytes(bytes, textOffset);
  const length = version === 1 ? view.getUint16(8, true) : view.getUint32(8, true);
  if (length > maximumNpyHeaderBytes) {
    throw badHeader('the header is too long', 8, `${length} bytes`, `at most ${maximumNpyHeaderBytes}`);
  }
  needBytes(bytes, textOffset + length);
  const header = parsePythonLiteral(
    headerText(bytes.subarray(textOffset, textOffset + length), version, textOffset),
  );
  return { version, ...readFields(header, textOffset), dataOffset: (textOffset + length) as ByteOffset };
}

function readVersion(bytes: Uint8Array): NpyVersion {
  for (const [offset, expected] of npyMagic.entries()) {
    const found = bytes[offset];
    if (found !== undefined && found !== expected) {
      throw new InvalidFileFormatError('bad-magic', 'the file does not begin with \\x93NUMPY', {
        offset,
        found,
        expected,
      });
    }
  }
  needBytes(bytes, 8);
  const [major, minor] = [bytes[6], bytes[7]];
  if ((major !== 1 && major !== 2 && major !== 3) || minor !== 0) {
    throw new InvalidFileFormatError('unsupported-version', 'the .npy version', {
      offset: 6,
      found: `${major}.${minor}`,
      expected: '1.0, 2.0 or 3.0',
    });
  }
  return major;
}

function needBytes(bytes: Uint8Array, needed: number): void {
  if (bytes.length >= needed) return;
  throw new InvalidFileFormatError('truncated', 'the .npy header is cut off', {
    offset: bytes.length,
    found: `${bytes.length} bytes`,
    expected: `${needed} bytes`,
  });
}

function headerText(bytes: Uint8Array, version: NpyVersion, offset: number): string {
  try {
    // Versions 1 and 2 are Latin-1, in which a byte is its code point; the decoder of that name is another encoding.
    if (version === 3) return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw badHeader('the header is no UTF-8', offset, 'other bytes', 'valid UTF-8');
  }
  let text = '';
  for (const byte of bytes) text += String.fromCharCode(byte);
  return text;
}

function readFields(header: PythonValue | undefined, offset: number) {
  if (!(header instanceof Map)) throw badHeader('the header', offset, 'something else', 'a dictionary');
  const [descr, fortranOrder, shape] = ['descr', 'fortran_order', 'shape'].map((key) => header.get(key));
  if (header.size !== 3 || descr === undefined) {
    throw badHeader(
      'the keys of the header',
      offset,
      [...header.keys()].join(', ').slice(0, 80),
      'descr, fortran_order, shape',
    );
  }
  if (typeof fortranOrder !== 'boolean')
    throw badHeader('fortran_order', offset, String(fortranOrder), 'True or False');
  if (!Array.isArray(shape)) throw badHeader('shape', offset, String(shape).slice(0, 80), 'a tuple');
  const sizes = shape.map((size) => {
    if (typeof size !== 'number')
      throw badHeader('a size in shape', offset, String(size).slice(0, 80), 'an integer');
    return size;
  });
  return { ...readType(descr, offset), fortranOrder, shape: sizes };
}

function readType(descr: PythonValue, offset: number): Pick<NpyHeader, 'dtype' | 'littleEndian'> {
  if (Array.isArray(descr)) throw unsupported('a structure', 'structured');
  if (typeof descr !== 'string') throw badHeader('descr', offset, typeof descr, 'a string');
  const code = descr.replace(/^[<>|=]/, '');
  const found = Object.entries(npyTypes).find(([, type]) => type.code === code);
  if (found !== undefined) return { dtype: found[0] as NpyDtype, littleEndian: !descr.startsWith('>') };
  const name = unsupportedTypes.find(([pattern]) => pattern.test(code))?.[1];
  if (name === undefined)
    throw badHeader('descr', offset, JSON.stringify(descr.slice(0, 40)), 'a NumPy type');
  throw unsupported(name, descr.slice(0, 40));
}

function unsupported(name: string, descr: string): FormatError {
  return new FormatError(
    'ERR_VGPU_FORMAT_NPY_DTYPE',
    `the elements are ${name} (${descr}), which cannot be read`,
    {
      values: { descr, name },
      remedy: 'Convert the array in NumPy first, for example with array.astype("float64").',
    },
  );
}

/** The header for little-endian data, padded so that the data begin at a multiple of 64. Version 1 by default. */
export function encodeNpyHeader(header: {
  readonly dtype: NpyDtype;
  readonly shape: readonly number[];
  readonly fortranOrder?: boolean;
  readonly version?: NpyVersion;
}): Uint8Array {
  const { dtype, shape, fortranOrder = false, version = 1 } = header;
  for (const size of shape) {
    if (!Number.isSafeInteger(size) || size < 0) {
      throw new FormatError('ERR_VGPU_FORMAT_ARGUMENT', `${size} is no size`, { values: { size } });
    }
  }
  const { code, bytes } = npyTypes[dtype];
  const tuple = shape.length === 1 ? `(${shape[0]},)` : `(${shape.join(', ')})`;
  const dictionary = `{'descr': '${bytes === 1 ? '|' : '<'}${code}', 'fortran_order': ${fortranOrder ? 'True' : 'False'}, 'shape': ${tuple}, }`;
  const textOffset = version === 1 ? 10 : 12;
  const total = Math.ceil((textOffset + dictionary.length + 1) / headerAlignment) * headerAlignment;
  const length = total - textOffset;
  if (length > maximumNpyHeaderBytes) {
    throw new FormatError('ERR_VGPU_FORMAT_ARGUMENT', `a shape of ${shape.length} dimensions is too long`);
  }
  const result = new Uint8Array(total);
  const view = viewOf(result);
  result.set(npyMagic);
  result[6] = version;
  if (version === 1) view.setUint16(8, length, true);
  else view.setUint32(8, length, true);
  result.set(new TextEncoder().encode(`${dictionary.padEnd(length - 1)}\n`), textOffset);
  return result;
}

function badHeader(
  what: string,
  offset: number,
  found: string | number,
  expected: string,
): InvalidFileFormatError {
  return new InvalidFileFormatError('bad-metadata', what, { offset, found, expected });
}
