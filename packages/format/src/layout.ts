// Where each element of each structure lies in the payload, without looking at the payload.
import type { ByteLength, ByteOffset } from './bytes.js';
import { type Dtype, dtypeTraits } from './dtype.js';
import { FormatError } from './errors.js';

export const structures = [
  'dense',
  'triangular',
  'symmetric',
  'antisymmetric',
  'diagonal',
  'identity',
  'vector',
  'unit-vector',
  'block',
] as const;
export type Structure = (typeof structures)[number];

/** What decides the layout. A vector has one column. */
export interface LayoutInput {
  readonly structure: Structure;
  readonly dtype: Dtype;
  readonly rows: number;
  readonly columns: number;
  /** Triangular only: whether the diagonal is stored. Without it the matrix is strictly triangular. */
  readonly diagonal?: boolean | undefined;
}

export interface PayloadLayout {
  readonly byteLength: ByteLength;
  /** 2 for cf16, whose imaginary parts follow all real parts; else 1. */
  readonly planes: 1 | 2;
  readonly planeBytes: ByteLength;
  /** Within one plane. */
  readonly bitsPerElement: number;
  /** Rows that are stored one after the other: 1 for vectors and diagonals, 0 for what is not stored at all. */
  readonly storedRows: number;
  /** Where a stored row begins in its plane. */
  rowOffset(row: number): ByteOffset;
  /** How many elements a stored row has. */
  rowElements(row: number): number;
  /**
   * Where element (row, column) begins in its plane, in bits; −1 when it is not stored but follows from the
   * structure. The mirrored elements of symmetric and antisymmetric matrices are those of the upper triangle.
   */
  bitOffset(row: number, column: number): number;
}

/** Offsets in bits stay exact below this size, 1 PiB. */
export const maximumPayloadBytes = 2 ** 50;

const denseBitRowBytes = 64;
const wordBytes = 8;

/**
 * @throws FormatError ERR_VGPU_FORMAT_TOO_LARGE when the payload would exceed 1 PiB, ERR_VGPU_FORMAT_ARGUMENT for
 * a shape that the structure cannot have.
 */
export function payloadLayout(input: LayoutInput): PayloadLayout {
  const { structure, dtype, rows, columns } = input;
  for (const value of [rows, columns]) {
    if (!Number.isSafeInteger(value) || value < 0)
      throw badShape(input, 'sizes are whole numbers from 0 to 2^53 − 1');
  }
  if (squareStructures.has(structure) && rows !== columns)
    throw badShape(input, `${structure} needs rows = columns`);
  if ((structure === 'vector' || structure === 'unit-vector') && columns !== 1) {
    throw badShape(input, 'a vector has one column');
  }
  const planes = dtype === 'cf16' ? 2 : 1;
  const bitsPerElement = planes === 2 ? 16 : dtypeTraits[dtype].bytes * 8;
  const geometry = geometryOf(input, bitsPerElement);
  if (geometry.planeBytes * planes > maximumPayloadBytes) {
    throw new FormatError(
      'ERR_VGPU_FORMAT_TOO_LARGE',
      `a payload of ${describeInput(input)} is larger than 1 PiB`,
      {
        values: { structure, dtype, rows, columns, limit: maximumPayloadBytes },
      },
    );
  }
  return {
    ...geometry,
    planeBytes: geometry.planeBytes as ByteLength,
    byteLength: (geometry.planeBytes * planes) as ByteLength,
    planes,
    bitsPerElement,
  };
}

export const squareStructures: ReadonlySet<Structure> = new Set([
  'triangular',
  'symmetric',
  'antisymmetric',
  'diagonal',
]);

interface Geometry extends Pick<PayloadLayout, 'storedRows' | 'rowOffset' | 'rowElements' | 'bitOffset'> {
  readonly planeBytes: number;
}

function geometryOf(input: LayoutInput, bits: number): Geometry {
  const { structure, rows, columns } = input;
  switch (structure) {
    case 'dense':
      return denseGeometry(rows, columns, bits);
    case 'triangular':
      return triangularGeometry(rows, bits, input.diagonal === true);
    case 'symmetric':
    case 'antisymmetric':
      return mirrored(triangularGeometry(rows, bits, true));
    case 'diagonal': {
      const run = runGeometry(rows, bits);
      return { ...run, bitOffset: (row, column) => (row === column ? run.bitOffset(row, 0) : -1) };
    }
    case 'vector':
      return runGeometry(rows, bits);
    case 'identity':
    case 'unit-vector':
    case 'block':
      return nothingStored;
  }
}

function denseGeometry(rows: number, columns: number, bits: number): Geometry {
  // Bit rows fill whole cache lines, so that threads working on different rows share none.
  const rowBytes =
    bits === 1 ? Math.ceil(columns / (denseBitRowBytes * 8)) * denseBitRowBytes : (columns * bits) / 8;
  return {
    planeBytes: rows * rowBytes,
    storedRows: rows,
    rowOffset: (row) => (row * rowBytes) as ByteOffset,
    rowElements: () => columns,
    bitOffset: (row, column) => row * rowBytes * 8 + column * bits,
  };
}

/** One run of elements; bits fill whole words. */
function runGeometry(count: number, bits: number): Geometry {
  const planeBytes = bits === 1 ? Math.ceil(count / 64) * wordBytes : (count * bits) / 8;
  return {
    planeBytes,
    storedRows: 1,
    rowOffset: () => 0 as ByteOffset,
    rowElements: () => count,
    bitOffset: (row) => row * bits,
  };
}

/** The upper triangle, row by row, each row padded to whole words. */
function triangularGeometry(size: number, bits: number, diagonal: boolean): Geometry {
  const longest = diagonal ? size : Math.max(size - 1, 0);
  const total = wordsOfRows(longest, bits);
  const rowStart = (row: number) => (total - wordsOfRows(Math.max(longest - row, 0), bits)) * wordBytes;
  return {
    // Even a matrix with nothing above its diagonal has one word: other implementations cannot map zero bytes.
    planeBytes: size === 0 ? 0 : Math.max(total, 1) * wordBytes,
    storedRows: size,
    rowOffset: (row) => rowStart(row) as ByteOffset,
    rowElements: (row) => Math.max(longest - row, 0),
    bitOffset: (row, column) => {
      const within = column - row - (diagonal ? 0 : 1);
      return within < 0 ? -1 : rowStart(row) * 8 + within * bits;
    },
  };
}

/** Words of rows with 1, 2, … `longest` elements, in closed form: an offset costs the same in any row. */
function wordsOfRows(longest: number, bits: number): number {
  const perWord = Math.max(64 / bits, 1);
  const wordsPerElement = Math.max(bits / 64, 1);
  const fullGroups = Math.floor(longest / perWord);
  const rest = longest % perWord;
  return (perWord * triangle(fullGroups) + rest * (fullGroups + 1)) * wordsPerElement;
}

/** 1 + 2 + … + n, halving the even factor first to stay exact as long as possible. */
function triangle(n: number): number {
  return n % 2 === 0 ? (n / 2) * (n + 1) : n * ((n + 1) / 2);
}

function mirrored(upper: Geometry): Geometry {
  return {
    ...upper,
    bitOffset: (row, column) => (row <= column ? upper.bitOffset(row, column) : upper.bitOffset(column, row)),
  };
}

const nothingStored: Geometry = {
  planeBytes: 0,
  storedRows: 0,
  rowOffset: () => 0 as ByteOffset,
  rowElements: () => 0,
  bitOffset: () => -1,
};

function badShape(input: LayoutInput, why: string): FormatError {
  const { structure, dtype, rows, columns } = input;
  return new FormatError('ERR_VGPU_FORMAT_ARGUMENT', `${describeInput(input)}: ${why}`, {
    values: { structure, dtype, rows, columns },
  });
}

function describeInput({ structure, dtype, rows, columns }: LayoutInput): string {
  return `${rows} × ${columns} ${structure} ${dtype}`;
}
