import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  decodeNpyHeader,
  detectFormat,
  encodeNpyHeader,
  FormatError,
  float16ToNumber,
  fromNpy,
  InvalidFileFormatError,
  numberToFloat16,
  parseDescriptor,
  type NpyDtype,
  readContainer,
  readNpy,
  type Scalar,
  toNpy,
  valuesOf,
  writeNpy,
} from '../src/index.js';
import { allValues, golden, goldenValues } from './golden.js';

const directory = join(dirname(fileURLToPath(import.meta.url)), 'npy');
const npyBytes = (name: string) => new Uint8Array(readFileSync(join(directory, `${name}.npy`)));

interface Expected {
  readonly descr: string;
  readonly fortran_order: boolean;
  readonly shape: readonly number[];
  readonly version: number;
  readonly values: readonly (number | string | readonly [number, number])[];
}
const written = Object.entries(
  JSON.parse(readFileSync(join(directory, 'values.json'), 'utf8')) as Record<string, Expected>,
);

const payloadUuid = 'feedfacefeedfacefeedfacefeedface';

/** All elements in row-major order. */
function elements({ shape, get }: ReturnType<typeof readNpy>): Scalar[] {
  const count = shape.reduce((product, size) => product * size, 1);
  return Array.from({ length: count }, (_, flat) => {
    const indices: number[] = [];
    let rest = flat;
    for (const size of [...shape].reverse()) {
      indices.unshift(rest % size);
      rest = Math.floor(rest / size);
    }
    return get(...indices);
  });
}

describe.each(written)('%s.npy, written by NumPy', (name, expected) => {
  const bytes = npyBytes(name);
  const array = readNpy(bytes);

  test('reads to its values', () => {
    expect(detectFormat(bytes)).toBe('npy');
    expect(array).toMatchObject({
      version: expected.version,
      fortranOrder: expected.fortran_order,
      shape: expected.shape,
      littleEndian: !expected.descr.startsWith('>'),
    });
    const wide = array.dtype === 'i64' || array.dtype === 'u64';
    const values = expected.values.map((value): Scalar => {
      if (typeof value === 'object') return { re: value[0], im: value[1] };
      return wide ? BigInt(value) : Number(value);
    });
    expect(elements(array)).toEqual(values);
  });

  test('is written the same, byte for byte, where its byte order is ours', () => {
    const { dtype, shape, fortranOrder, version } = array;
    const copy = writeNpy({ dtype, shape, fortranOrder, version }, array.get);
    if (array.littleEndian) expect(Buffer.compare(copy, bytes)).toBe(0);
    else expect(elements(readNpy(copy))).toEqual(elements(array));
  });
});

describe('elements that have no counterpart', () => {
  const names: Readonly<Record<string, string>> = {
    longdouble: 'long double',
    clongdouble: 'complex long double',
    bytes: 'byte string',
    unicode: 'Unicode string',
    datetime: 'date and time',
    timedelta: 'time difference',
    void: 'raw bytes',
    structure: 'a structure',
    object: 'Python object',
  };

  test('are all tried', () => {
    const files = readdirSync(directory).filter((file) => file.startsWith('unsupported_'));
    expect(files.map((file) => file.slice(12, -4)).sort()).toEqual(Object.keys(names).sort());
  });

  test.each(Object.entries(names))('%s is refused by name', (file, name) => {
    expect(() => readNpy(npyBytes(`unsupported_${file}`))).toThrow(
      expect.objectContaining({
        code: 'ERR_VGPU_FORMAT_NPY_DTYPE',
        message: expect.stringContaining(name),
        remedy: expect.stringContaining('astype'),
      }),
    );
  });
});

/** A version 1 file with this text as header. */
function withHeader(text: string, data = new Uint8Array(64)): Uint8Array {
  const header = new TextEncoder().encode(text);
  return Uint8Array.of(
    0x93,
    0x4e,
    0x55,
    0x4d,
    0x50,
    0x59,
    1,
    0,
    header.length & 0xff,
    header.length >> 8,
    ...header,
    ...data,
  );
}

describe('headers', () => {
  const fields = (descr: string, order: string, shape: string) =>
    `{'descr': ${descr}, 'fortran_order': ${order}, 'shape': ${shape}}`;

  test.each<[string, string]>([
    ['double quotes, other order, no space', `{"shape":(2,4),"fortran_order":False,"descr":"<f8"}`],
    ['long integers of Python 2', fields("'<f8'", 'False', '(2L, 4L)')],
    ['a list as shape', fields("'<f8'", 'False', '[2, 4]')],
    ['line breaks', `{\n'descr':\n'<f8',\t'fortran_order': False, 'shape': (2, 4,), }   \n`],
    ['the native byte order', fields("'=f8'", 'False', '(2, 4)')],
  ])('with %s are read', (_, text) => {
    expect(decodeNpyHeader(withHeader(text))).toMatchObject({
      dtype: 'f64',
      shape: [2, 4],
      fortranOrder: false,
    });
  });

  test.each<[string, string]>([
    ['nothing', ''],
    ['no dictionary', '(1, 2)'],
    ['code', '__import__("os")'],
    ['an open string', "{'descr': '<f8"],
    ['an open dictionary', "{'descr': '<f8'"],
    ['a missing comma', "{'descr': '<f8' 'shape': (1,)}"],
    ['a missing colon', "{'descr' '<f8'}"],
    ['a number as key', '{1: 2}'],
    ['a key twice', "{'descr': '<f8', 'descr': '<f8'}"],
    ['something behind it', `${fields("'<f8'", 'False', '(1,)')} x`],
    ['another key', `{'descr': '<f8', 'fortran_order': False, 'shape': (1,), 'more': 1}`],
    ['a missing key', `{'descr': '<f8', 'shape': (1,)}`],
    ['a number as order', fields("'<f8'", '0', '(1,)')],
    ['a number as shape', fields("'<f8'", 'False', '(1)')],
    ['a negative size', fields("'<f8'", 'False', '(-1,)')],
    ['a string as size', fields("'<f8'", 'False', "('1',)")],
    ['a size beyond 2^53', fields("'<f8'", 'False', '(9007199254740993,)')],
    ['an unknown type', fields("'<x8'", 'False', '(1,)')],
    ['a number as type', fields('8', 'False', '(1,)')],
    ['deep nesting', fields("'<f8'", 'False', `${'('.repeat(1000)}${')'.repeat(1000)}`)],
  ])('with %s are refused', (_, text) => {
    expect(() => decodeNpyHeader(withHeader(text))).toThrow(
      expect.objectContaining({ reason: 'bad-metadata' }),
    );
  });

  test('are refused when cut off, whatever the length', () => {
    for (const name of ['le_f8', 'v2_f8', 'v3_f8']) {
      const bytes = npyBytes(name);
      for (let length = 0; length < bytes.length; length++) {
        expect(() => readNpy(bytes.subarray(0, length))).toThrow(
          expect.objectContaining({ reason: 'truncated' }),
        );
      }
    }
  });

  test.each([
    ['bad-magic', 0, 0x92],
    ['bad-magic', 5, 0],
    ['unsupported-version', 6, 4],
    ['unsupported-version', 6, 0],
    ['unsupported-version', 7, 1],
  ])('give %s for byte %i = %i', (reason, offset, value) => {
    const bytes = npyBytes('le_f8');
    bytes[offset] = value;
    expect(() => readNpy(bytes)).toThrow(expect.objectContaining({ reason }));
  });

  test('promise no more data than there are', () => {
    for (const shape of ['(9007199254740991,)', '(4294967296, 4294967296, 4294967296)']) {
      expect(() => readNpy(withHeader(fields("'<f8'", 'False', shape)))).toThrow(
        expect.objectContaining({ reason: 'truncated' }),
      );
    }
    const empty = readNpy(withHeader(fields("'<f8'", 'False', '(9007199254740991, 9007199254740991, 0)')));
    expect(empty.data).toHaveLength(0);
  });

  test('end at a multiple of 64', () => {
    fc.assert(
      fc.property(
        fc.array(fc.maxSafeNat(), { maxLength: 32 }),
        fc.constantFrom(1, 2, 3),
        (shape, version) => {
          const bytes = encodeNpyHeader({ dtype: 'f32', shape, version: version as 1 | 2 | 3 });
          expect(bytes.length % 64).toBe(0);
          expect(decodeNpyHeader(bytes)).toMatchObject({ version, shape, dataOffset: bytes.length });
        },
      ),
    );
  });
});

describe('writing', () => {
  test('what was written reads back, in any order and shape', () => {
    const dtypes: NpyDtype[] = ['bit', 'i8', 'u16', 'i64', 'f16', 'f32', 'f64', 'cf32', 'cf64'];
    fc.assert(
      fc.property(
        fc.constantFrom(...dtypes),
        fc.array(fc.nat(4), { maxLength: 4 }),
        fc.boolean(),
        (dtype, shape, fortranOrder) => {
          const valueAt = (...indices: number[]): Scalar => {
            const value = indices.reduce((sum, index) => sum * 3 + index, 0) % (dtype === 'bit' ? 2 : 100);
            if (dtype === 'i64') return BigInt(value);
            return dtype.startsWith('c') ? { re: value, im: 1 } : value;
          };
          const array = readNpy(writeNpy({ dtype, shape, fortranOrder }, valueAt));
          const again = readNpy(writeNpy({ dtype, shape, fortranOrder: !fortranOrder }, array.get));
          expect(elements(again)).toEqual(elements(array));
          if (shape.length > 0 && !shape.includes(0)) {
            const last = shape.map((size) => size - 1);
            expect(array.get(...last)).toEqual(valueAt(...last));
          }
        },
      ),
    );
  });

  test('refuses values that do not fit, sizes that are none, and more than the limit', () => {
    const argument = expect.objectContaining({ code: 'ERR_VGPU_FORMAT_ARGUMENT' });
    expect(() => writeNpy({ dtype: 'u8', shape: [1] }, () => 256)).toThrow(argument);
    expect(() => writeNpy({ dtype: 'u8', shape: [0.5] }, () => 0)).toThrow(argument);
    expect(() => readNpy(writeNpy({ dtype: 'u8', shape: [2] }, () => 0)).get(2)).toThrow(argument);
    expect(() => readNpy(writeNpy({ dtype: 'u8', shape: [2] }, () => 0)).get(0, 0)).toThrow(argument);
    expect(() => writeNpy({ dtype: 'u8', shape: [2 ** 40] }, () => 0)).toThrow(
      expect.objectContaining({ code: 'ERR_VGPU_FORMAT_TOO_LARGE' }),
    );
  });
});

describe('between .pycauset and .npy', () => {
  test.each([
    'dense_bit_65x65',
    'dense_u64_7x7',
    'dense_cf16_7x7',
    'identity_3x5',
    'triangular_i32_7x7',
    'view_hermitian_cf64_7x7',
    'view_transposed_vector_f64_3',
    'unit_vector_65_at_64',
    'special_f16_2x4',
    'dense_f64_0x3',
  ])('%s is written out with all its values', (name) => {
    const file = golden(name);
    const array = readNpy(toNpy(readContainer(file.bytes)));
    expect(array.shape).toEqual(file.shape);
    expect(elements(array)).toEqual(goldenValues(file));
  });

  test.each(['bit', 'u8', 'i64', 'f16', 'f64', 'cf32'] as const)(
    '%s goes in and comes out unchanged',
    (dtype) => {
      for (const shape of [[5], [3, 4]]) {
        const valueAt = (row = 0, column = 0): Scalar => {
          const value = (row + column) % 2;
          return dtype === 'i64' ? BigInt(value) : dtype === 'cf32' ? { re: value, im: 2 } : value;
        };
        const npy = writeNpy({ dtype, shape }, valueAt);
        expect(Buffer.compare(toNpy(readContainer(fromNpy(npy, payloadUuid))), npy)).toBe(0);
      }
    },
  );

  test('column-major and big-endian files come in too', () => {
    for (const name of ['fortran_f8', 'be_i4']) {
      const bytes = npyBytes(name);
      expect(allValues(valuesOf(readContainer(fromNpy(bytes, payloadUuid))))).toEqual(
        elements(readNpy(bytes)),
      );
    }
  });

  test('other numbers of dimensions do not', () => {
    for (const name of ['scalar_f8', 'fortran_3d_i4']) {
      expect(() => fromNpy(npyBytes(name), payloadUuid)).toThrow(
        expect.objectContaining({ code: 'ERR_VGPU_FORMAT_ARGUMENT' }),
      );
    }
  });

  test('a huge identity is not written out by accident', () => {
    const size = 2 ** 40;
    const descriptor = parseDescriptor({
      structure: 'identity',
      dtype: 'f64',
      rows: size,
      columns: size,
      payloadUuid,
    });
    expect(() => toNpy({ descriptor, payloadBytes: new Uint8Array() })).toThrow(
      expect.objectContaining({ code: 'ERR_VGPU_FORMAT_TOO_LARGE' }),
    );
  });
});

describe('float16', () => {
  test('every pattern survives, and every NaN stays one', () => {
    for (let bits = 0; bits < 0x10000; bits++) {
      const value = float16ToNumber(bits);
      if (Number.isNaN(value)) expect(numberToFloat16(value)).toBe(0x7e00);
      else if (numberToFloat16(value) !== bits) throw new Error(`0x${bits.toString(16)} became another`);
    }
  });

  test('rounds to the nearest, ties to even', () => {
    for (let bits = 0; bits < 0x7bff; bits++) {
      const [low, high] = [float16ToNumber(bits), float16ToNumber(bits + 1)];
      const middle = (low + high) / 2;
      const even = bits % 2 === 0 ? bits : bits + 1;
      if (numberToFloat16(middle) !== even) throw new Error(`the tie above 0x${bits.toString(16)}`);
      if (numberToFloat16((low + middle) / 2) !== bits) throw new Error(`just above 0x${bits.toString(16)}`);
      if (numberToFloat16(-(middle + high) / 2) !== (0x8000 | (bits + 1)))
        throw new Error(`below 0x${bits.toString(16)}`);
    }
    expect(numberToFloat16(65519.99)).toBe(0x7bff);
    expect(numberToFloat16(65520)).toBe(0x7c00);
    expect(numberToFloat16(-Number.MAX_VALUE)).toBe(0xfc00);
  });
});

test('any bytes give an array or a typed error', () => {
  const seeds = ['le_f8', 'fortran_3d_i4', 'be_c16', 'v2_f8', 'unsupported_structure'].map(npyBytes);
  const change = fc.tuple(fc.nat(160), fc.nat(255));
  fc.assert(
    fc.property(
      fc.constantFrom(...seeds),
      fc.array(change, { maxLength: 5 }),
      fc.nat(300),
      (seed, changes, length) => {
        const bytes = seed.slice(0, length);
        for (const [offset, value] of changes) if (offset < bytes.length) bytes[offset] = value;
        try {
          const array = readNpy(bytes);
          expect(array.data.length).toBeLessThanOrEqual(bytes.length);
        } catch (error) {
          if (!(error instanceof FormatError)) throw error;
          if (error instanceof InvalidFileFormatError) expect(error.offset).toBeLessThanOrEqual(bytes.length);
        }
      },
    ),
    { numRuns: 5000 },
  );
});
