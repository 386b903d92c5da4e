// NumPy's .npy files: the way in and out.
import { type BlockLoader, valuesOf } from './blocks.js';
import { viewOf } from './bytes.js';
import { type Container, writeContainer } from './container.js';
import { parseDescriptor } from './descriptor.js';
import { checkScalar, readElement, type Scalar, writeElement } from './dtype.js';
import { encodePayload, type ValueReader } from './elements.js';
import { FormatError, InvalidFileFormatError } from './errors.js';
import {
  decodeNpyHeader,
  encodeNpyHeader,
  type NpyDtype,
  type NpyHeader,
  npyTypes,
  type NpyVersion,
} from './npy-header.js';

export interface NpyArray extends NpyHeader {
  /** Exactly the elements: a view of the input, not a copy. */
  readonly data: Uint8Array;
  /** @throws FormatError ERR_VGPU_FORMAT_ARGUMENT unless there is one index per dimension, each in range */
  get(...indices: number[]): Scalar;
}

/**
 * Reads a .npy file that is in memory.
 * @throws what decodeNpyHeader throws, and InvalidFileFormatError truncated when data are missing
 */
export function readNpy(bytes: Uint8Array): NpyArray {
  const header = decodeNpyHeader(bytes);
  const { dtype, shape, dataOffset } = header;
  const needed = npyDataBytes(dtype, shape);
  const available = bytes.length - dataOffset;
  if (!(needed <= available)) {
    throw new InvalidFileFormatError('truncated', 'the data of the .npy file are cut off', {
      offset: bytes.length,
      found: `${available} bytes`,
      expected: `${needed} bytes`,
    });
  }
  const data = bytes.subarray(dataOffset, dataOffset + needed);
  const view = viewOf(data);
  return { ...header, data, get: (...indices) => readAt(view, header, flatIndex(header, indices)) };
}

/** Of all elements; beyond 2^53 it is an estimate, which no file can have. */
export function npyDataBytes(dtype: NpyDtype, shape: readonly number[]): number {
  // A zero anywhere makes it zero, whatever overflows beside it.
  return shape.includes(0) ? 0 : shape.reduce((bytes, size) => bytes * size, npyTypes[dtype].bytes);
}

function readAt(view: DataView, { dtype, littleEndian }: NpyHeader, index: number): Scalar {
  const offset = index * npyTypes[dtype].bytes;
  if (dtype === 'bit') return view.getUint8(offset) === 0 ? 0 : 1;
  return readElement(view, offset, dtype, littleEndian);
}

function flatIndex({ shape, fortranOrder }: NpyHeader, indices: readonly number[]): number {
  const valid = (index: number, axis: number) =>
    Number.isInteger(index) && index >= 0 && index < (shape[axis] ?? 0);
  if (indices.length !== shape.length || !indices.every(valid)) {
    throw new FormatError('ERR_VGPU_FORMAT_ARGUMENT', `there is no element (${indices}) in shape (${shape})`);
  }
  const axes = fortranOrder ? [...shape.keys()].reverse() : [...shape.keys()];
  return axes.reduce((flat, axis) => flat * (shape[axis] ?? 0) + (indices[axis] ?? 0), 0);
}

export interface NewNpy {
  readonly dtype: NpyDtype;
  readonly shape: readonly number[];
  /** 1 by default, which every reader understands. */
  readonly version?: NpyVersion;
  readonly fortranOrder?: boolean;
}

/**
 * Writes a .npy file, little-endian. `valueAt` is asked for each element, in the order of the file.
 * @throws FormatError ERR_VGPU_FORMAT_ARGUMENT when a value does not fit, ERR_VGPU_FORMAT_TOO_LARGE above `limit`
 */
export function writeNpy(
  array: NewNpy,
  valueAt: (...indices: number[]) => Scalar,
  limit = defaultExpansionLimit,
): Uint8Array {
  const { dtype, shape, fortranOrder = false } = array;
  const header = encodeNpyHeader(array);
  const total = header.length + npyDataBytes(dtype, shape);
  if (total > limit) {
    throw new FormatError(
      'ERR_VGPU_FORMAT_TOO_LARGE',
      `the .npy file would have ${total} bytes, more than ${limit}`,
      {
        values: { bytes: total, limit },
        remedy: 'Raise the limit, or write it in pieces with encodeNpyHeader.',
      },
    );
  }
  const bytes = new Uint8Array(total);
  bytes.set(header);
  const view = viewOf(bytes);
  const count = (total - header.length) / npyTypes[dtype].bytes;
  const axes = fortranOrder ? [...shape.keys()] : [...shape.keys()].reverse();
  const indices = shape.map(() => 0);
  for (let index = 0; index < count; index++) {
    const value = checkScalar(valueAt(...indices), dtype);
    writeElement(view, header.length + index * npyTypes[dtype].bytes, dtype === 'bit' ? 'u8' : dtype, value);
    advance(indices, shape, axes);
  }
  return bytes;
}

/** The next element's indices, `axes` from the fastest to the slowest. */
function advance(indices: number[], shape: readonly number[], axes: readonly number[]): void {
  for (const axis of axes) {
    const next = (indices[axis] ?? 0) + 1;
    indices[axis] = next < (shape[axis] ?? 0) ? next : 0;
    if (next < (shape[axis] ?? 0)) return;
  }
}

/** An identity matrix takes no bytes in its file and any number when written out, so there is a limit. */
export const defaultExpansionLimit = 2 ** 30;

export interface ToNpyOptions {
  /** For block matrices. */
  readonly load?: BlockLoader;
  /** The most bytes that the result may have; 1 GiB unless said otherwise. */
  readonly limit?: number;
}

/**
 * A container's values as a .npy file: every structure is written out, every view applied. NumPy has no cf16, so
 * those become cf32. A vector has one dimension unless it is transposed.
 */
export function toNpy(
  container: Pick<Container, 'descriptor' | 'payloadBytes'>,
  options: ToNpyOptions = {},
): Uint8Array {
  const values = valuesOf(container, options.load);
  const dtype = values.dtype === 'cf16' ? 'cf32' : values.dtype;
  return writeNpy(
    { dtype, shape: shapeOf(container.descriptor, values) },
    (row = 0, column = 0) => values.get(row, column),
    options.limit,
  );
}

/** [n] for a vector, else [rows, columns]. */
export function shapeOf(
  { structure, view }: Pick<Container['descriptor'], 'structure' | 'view'>,
  { rows, columns }: Pick<ValueReader, 'rows' | 'columns'>,
): number[] {
  const isVector = structure === 'vector' || structure === 'unit-vector';
  return isVector && !view.transposed ? [rows] : [rows, columns];
}

/**
 * A .npy file with one or two dimensions as a container: a vector or a dense matrix.
 * @throws FormatError ERR_VGPU_FORMAT_ARGUMENT for other numbers of dimensions
 */
export function fromNpy(bytes: Uint8Array, payloadUuid: string): Uint8Array {
  const array = readNpy(bytes);
  const [rows = 0, columns] = array.shape;
  if (array.shape.length < 1 || array.shape.length > 2) {
    throw new FormatError(
      'ERR_VGPU_FORMAT_ARGUMENT',
      `a .pycauset file has one or two dimensions, not ${array.shape.length}`,
      { values: { dimensions: array.shape.length }, remedy: 'Reshape the array in NumPy first.' },
    );
  }
  const common = { dtype: array.dtype, rows, payloadUuid };
  const descriptor = parseDescriptor(
    columns === undefined
      ? { structure: 'vector', ...common, columns: 1 }
      : { structure: 'dense', ...common, columns },
  );
  if (descriptor.structure === 'block')
    throw new Error('unreachable: a vector or dense matrix was asked for');
  const payload = encodePayload(descriptor, (row, column) =>
    columns === undefined ? array.get(row) : array.get(row, column),
  );
  return writeContainer({ descriptor, payload });
}
