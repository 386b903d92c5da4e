// Payloads made from a function of row and column, piece by piece.
import {
  type Complex,
  checkImplied,
  checkScalar,
  numberToFloat16,
  type PayloadLayout,
  type PlainDescriptor,
  readElement,
  type Scalar,
  writeElement,
} from '@vgpu/format';
import { refuseContradiction } from './assignment.js';
import { checkAborted } from './errors.js';

/** The value of an element, before any view. */
export type ValueAt = (row: number, column: number) => Scalar;

const pieceBytes = 1024 * 1024;
/** How many elements are looked at before other work gets a turn. */
const turnElements = 65_536;

/**
 * The payload in order, in pieces that are overwritten by the next one. `values` is asked for the stored elements,
 * row by row; for cf16 twice, because all real parts come before all imaginary parts.
 */
export function* payloadPieces(
  descriptor: PlainDescriptor,
  layout: PayloadLayout,
  values: ValueAt,
): Generator<Uint8Array> {
  const bytes = new Uint8Array(Math.min(pieceBytes, layout.byteLength));
  const view = new DataView(bytes.buffer);
  let start = 0;
  for (let plane = 0; plane < layout.planes; plane++) {
    for (const { row, column, position } of storedPlaces(descriptor, layout)) {
      const offset = plane * layout.planeBytes + Math.floor(position / 8);
      while (offset >= start + bytes.length) {
        yield bytes;
        start += bytes.length;
        bytes.fill(0);
      }
      const value = checkScalar(values(row, column), descriptor.dtype);
      put(view, offset - start, { descriptor, plane, position }, value);
    }
  }
  while (start < layout.byteLength) {
    yield bytes.subarray(0, layout.byteLength - start);
    start += bytes.length;
    bytes.fill(0);
  }
}

interface Place {
  readonly row: number;
  readonly column: number;
  /** In bits, as `PayloadLayout.bitOffset` gives it. */
  readonly position: number;
}

function* storedPlaces(descriptor: PlainDescriptor, layout: PayloadLayout): Generator<Place> {
  for (let stored = 0; stored < layout.storedRows; stored++) {
    const start = layout.rowOffset(stored) * 8;
    const count = layout.rowElements(stored);
    for (let index = 0; index < count; index++) {
      const [row, column] = placeOf(descriptor, stored, index);
      yield { row, column, position: start + index * layout.bitsPerElement };
    }
  }
}

/** The element at an index of a stored row. */
function placeOf(descriptor: PlainDescriptor, row: number, index: number): [number, number] {
  switch (descriptor.structure) {
    case 'triangular':
      return [row, row + index + (descriptor.diagonal ? 0 : 1)];
    case 'symmetric':
    case 'antisymmetric':
      return [row, row + index];
    case 'diagonal':
      return [index, index];
    case 'vector':
      return [index, 0];
    default:
      return [row, index];
  }
}

function put(
  view: DataView,
  offset: number,
  { descriptor, plane, position }: { descriptor: PlainDescriptor; plane: number; position: number },
  value: Scalar,
): void {
  const { dtype } = descriptor;
  if (dtype === 'bit') {
    if (value === 1) view.setUint8(offset, view.getUint8(offset) | (1 << (position % 8)));
  } else if (dtype === 'cf16') {
    const { re, im } = value as Complex;
    view.setUint16(offset, numberToFloat16(plane === 0 ? re : im), true);
  } else {
    writeElement(view, offset, dtype, value);
  }
}

/**
 * Asks for the elements that are not stored, and refuses what a reader would not conclude.
 * @throws ArrayError ERR_VGPU_ARRAY_STRUCTURE
 */
export async function checkStructure(
  descriptor: PlainDescriptor,
  layout: PayloadLayout,
  values: ValueAt,
  signal: AbortSignal | undefined,
): Promise<void> {
  const { structure, dtype, rows, columns } = descriptor;
  if (structure === 'dense' || structure === 'vector') return;
  const mirrors = structure === 'symmetric' || structure === 'antisymmetric';
  let asked = 0;
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      if (mirrors ? row <= column : layout.bitOffset(row, column) >= 0) continue;
      const value = checkScalar(values(row, column), dtype);
      const mirrored = () => rounded(checkScalar(values(column, row), dtype), dtype);
      refuseContradiction(() => checkImplied(descriptor, layout, mirrored, row, column, value));
      if (++asked % turnElements !== 0) continue;
      checkAborted(signal);
      await new Promise((resolve) => setImmediate(resolve));
    }
  }
}

const scratch = new DataView(new ArrayBuffer(16));

/** As it will be read back. */
function rounded(value: Scalar, dtype: PlainDescriptor['dtype']): Scalar {
  if (dtype === 'bit') return value;
  if (dtype !== 'cf16') {
    writeElement(scratch, 0, dtype, value);
    return readElement(scratch, 0, dtype);
  }
  const { re, im } = value as Complex;
  return { re: rounded(re, 'f16') as number, im: rounded(im, 'f16') as number };
}
