// From NumPy's .npy, streamed.
import {
  decodeNpyHeader,
  InvalidFileFormatError,
  type NpyHeader,
  npyDataBytes,
  type PayloadLayout,
  parseDescriptor,
  payloadLayout,
} from '@vgpu/format';
import { MappedFile } from '@vgpu/mmap-native';
import { newUuid, type UpdateMode } from './array-options.js';
import { ArrayError, checkAborted } from './errors.js';
import { type NewFileOptions, writeNewFile } from './new-file.js';
import { PersistentArray } from './persistent-array.js';
import { readAhead } from './reading.js';
import { readUpTo } from './version.js';

export interface ImportOptions extends NewFileOptions {
  /** For the array that is returned; `atomic` unless said otherwise. */
  readonly update?: UpdateMode | undefined;
}

/** Longer headers are refused by the decoder. */
const mostHeaderBytes = 12 + 0xffff;

/**
 * Makes a vector or a dense matrix of a .npy file with one or two dimensions, of any size. Column-major files keep
 * their order on disk: the array is stored transposed, and its view transposes it back.
 * @throws FormatError and its kinds for a .npy file that is damaged or has elements without a counterpart
 * @throws ArrayError ERR_VGPU_ARRAY_SHAPE, _EXISTS, _ABORTED
 */
export async function importNpy(
  npyPath: string,
  path: string,
  options: ImportOptions = {},
): Promise<PersistentArray> {
  const { update = 'atomic', signal } = options;
  checkAborted(signal);
  const file = await MappedFile.openAsync(npyPath, { access: 'read', lock: 'none' });
  try {
    const header = decodeNpyHeader(await readUpTo(file, 0, Math.min(file.size, mostHeaderBytes)));
    const descriptor = parseDescriptor({ ...shapeFor(header), dtype: header.dtype, payloadUuid: newUuid() });
    if (descriptor.structure === 'block') throw new Error('unreachable: a vector or a matrix was made');
    const length = npyDataBytes(header.dtype, header.shape);
    if (!(header.dataOffset + length <= file.size)) {
      throw new InvalidFileFormatError('truncated', 'the data of the .npy file are cut off', {
        offset: file.size,
        found: `${file.size - header.dataOffset} bytes`,
        expected: `${length} bytes`,
      });
    }
    const data = readAhead(file, [{ offset: header.dataOffset, length }], signal);
    await writeNewFile(path, descriptor, converted(data, header, payloadLayout(descriptor)), options);
  } finally {
    file.close();
  }
  return await PersistentArray.open(path, { update });
}

function shapeFor({ shape, fortranOrder }: NpyHeader) {
  const [rows = 0, columns] = shape;
  if (shape.length === 1) return { structure: 'vector' as const, rows, columns: 1 as const };
  if (shape.length !== 2 || columns === undefined) {
    throw new ArrayError(
      'ERR_VGPU_ARRAY_SHAPE',
      `the .npy array has ${shape.length} dimensions, not one or two`,
      {
        values: { dimensions: shape.length },
        remedy: 'Reshape the array in NumPy first.',
      },
    );
  }
  if (!fortranOrder) return { structure: 'dense' as const, rows, columns };
  return { structure: 'dense' as const, rows: columns, columns: rows, view: { transposed: true } };
}

async function* converted(
  pieces: AsyncIterable<{ bytes: Uint8Array }>,
  { dtype, littleEndian }: NpyHeader,
  layout: PayloadLayout,
): AsyncGenerator<Uint8Array> {
  if (dtype === 'bit') {
    yield* packBits(pieces, layout);
    return;
  }
  const complex = dtype === 'cf32' || dtype === 'cf64';
  const bytesPerNumber = layout.bitsPerElement / 8 / (complex ? 2 : 1);
  for await (const { bytes } of pieces) {
    if (!littleEndian) swapBytes(bytes, bytesPerNumber);
    yield bytes;
  }
}

function swapBytes(bytes: Uint8Array, bytesPerNumber: number): void {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytesPerNumber === 2) buffer.swap16();
  else if (bytesPerNumber === 4) buffer.swap32();
  else if (bytesPerNumber === 8) buffer.swap64();
}

const packedPieceBytes = 1024 * 1024;

/** NumPy has a byte for each truth value. */
async function* packBits(
  pieces: AsyncIterable<{ bytes: Uint8Array }>,
  layout: PayloadLayout,
): AsyncGenerator<Uint8Array> {
  const packed = new Uint8Array(Math.min(packedPieceBytes, layout.byteLength));
  let start = 0;
  let [row, element] = [0, 0];
  for await (const { bytes } of pieces) {
    for (const byte of bytes) {
      const offset = layout.rowOffset(row) + Math.floor(element / 8);
      while (offset >= start + packed.length) {
        yield packed;
        start += packed.length;
        packed.fill(0);
      }
      if (byte !== 0) packed[offset - start] = (packed[offset - start] ?? 0) | (1 << (element % 8));
      element++;
      if (element === layout.rowElements(row)) [row, element] = [row + 1, 0];
    }
  }
  while (start < layout.byteLength) {
    yield packed.subarray(0, layout.byteLength - start);
    start += packed.length;
    packed.fill(0);
  }
}
