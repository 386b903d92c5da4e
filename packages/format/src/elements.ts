// Single elements of a payload: what is stored, and what the array's value is once structure and view are applied.
import { viewOf } from './bytes.js';
import { type ArrayDescriptor, type ArrayDescriptorInput, parseDescriptor } from './descriptor.js';
import {
  type Complex,
  checkScalar,
  type Dtype,
  dtypeTraits,
  float16ToNumber,
  isComplex,
  numberToFloat16,
  readElement,
  type Scalar,
  writeElement,
} from './dtype.js';
import { FormatError, InvalidFileFormatError } from './errors.js';
import { type PayloadLayout, payloadLayout } from './layout.js';

/** Arrays that hold their elements themselves; a block matrix is put together by `blockReader`. */
export type PlainDescriptor = Exclude<ArrayDescriptor, { structure: 'block' }>;

/** Random access to the values of an array. */
export interface ValueReader {
  /** Of the values: those of the file, exchanged when the view is transposed. */
  readonly rows: number;
  readonly columns: number;
  /** Of the values: that of the file unless the view has a factor, which makes it f64 or cf64. */
  readonly dtype: Dtype;
  /** @throws FormatError ERR_VGPU_FORMAT_ARGUMENT when there is no such element */
  get(row: number, column: number): Scalar;
}

/**
 * Reads a payload that is in memory, at least `payloadLayout(descriptor).byteLength` bytes of it.
 * @throws FormatError ERR_VGPU_FORMAT_ARGUMENT when there are fewer.
 */
export function elementReader(descriptor: PlainDescriptor, payload: Uint8Array): ValueReader {
  const layout = payloadLayout(descriptor);
  if (payload.length < layout.byteLength) {
    throw new FormatError(
      'ERR_VGPU_FORMAT_ARGUMENT',
      `the payload has ${payload.length} bytes, not ${layout.byteLength}`,
      { values: { found: payload.length, expected: layout.byteLength } },
    );
  }
  const view = viewOf(payload);
  return structuredReader(descriptor, layout, (position) => readAt(view, layout, position, descriptor.dtype));
}

/** Reads the stored element that begins at a bit of the first plane, as `PayloadLayout.bitOffset` gives it. */
export type StoredReader = (position: number) => Scalar;

/** Applies structure and view to stored elements, wherever they are kept. */
export function structuredReader(
  descriptor: PlainDescriptor,
  layout: PayloadLayout,
  stored: StoredReader,
): ValueReader {
  return viewedReader(descriptor, descriptor.dtype, (row, column) =>
    structuredValue(descriptor, layout, stored, row, column),
  );
}

/** Applies a view to stored values: transpose, conjugate, multiply. */
export function viewedReader(
  { rows, columns, view }: Pick<ArrayDescriptor, 'rows' | 'columns' | 'view'>,
  stored: Dtype,
  valueAt: (row: number, column: number) => Scalar,
): ValueReader {
  const shape = view.transposed ? { rows: columns, columns: rows } : { rows, columns };
  return {
    ...shape,
    dtype: valueDtype(stored, view.scalar),
    get(row, column) {
      checkIndex(row, shape.rows);
      checkIndex(column, shape.columns);
      const value = view.transposed ? valueAt(column, row) : valueAt(row, column);
      return scaled(view.conjugated ? conjugate(value) : value, view.scalar);
    },
  };
}

function checkIndex(index: number, size: number): void {
  if (!Number.isInteger(index) || index < 0 || index >= size) {
    throw new FormatError('ERR_VGPU_FORMAT_ARGUMENT', `there is no row or column ${index} of ${size}`, {
      values: { index, size },
    });
  }
}

function structuredValue(
  descriptor: PlainDescriptor,
  layout: PayloadLayout,
  stored: StoredReader,
  row: number,
  column: number,
): Scalar {
  const { structure, dtype } = descriptor;
  if (structure === 'identity') return constant(row === column ? 1 : 0, dtype);
  if (structure === 'unit-vector') return constant(row === descriptor.index ? 1 : 0, dtype);
  const position = layout.bitOffset(row, column);
  if (position < 0) return constant(0, dtype);
  const value = stored(position);
  return structure === 'antisymmetric' && row > column ? negate(value, dtype) : value;
}

function readAt(view: DataView, layout: PayloadLayout, position: number, dtype: Dtype): Scalar {
  if (dtype === 'bit') return (view.getUint8(Math.floor(position / 8)) >> (position % 8)) & 1;
  const offset = position / 8;
  if (dtype !== 'cf16') return readElement(view, offset, dtype);
  return {
    re: float16ToNumber(view.getUint16(offset, true)),
    im: float16ToNumber(view.getUint16(layout.planeBytes + offset, true)),
  };
}

function writeAt(view: DataView, layout: PayloadLayout, position: number, dtype: Dtype, value: Scalar): void {
  if (dtype === 'bit') {
    const byte = Math.floor(position / 8);
    // Words are little-endian with the least significant bit first, so bit i is bit i % 8 of byte i / 8.
    if (value === 1) view.setUint8(byte, view.getUint8(byte) | (1 << (position % 8)));
    return;
  }
  const offset = position / 8;
  if (dtype !== 'cf16') {
    writeElement(view, offset, dtype, value);
    return;
  }
  const { re, im } = value as Complex;
  view.setUint16(offset, numberToFloat16(re), true);
  view.setUint16(layout.planeBytes + offset, numberToFloat16(im), true);
}

function constant(value: 0 | 1, dtype: Dtype): Scalar {
  if (dtype === 'i64' || dtype === 'u64') return BigInt(value);
  return dtypeTraits[dtype].kind === 'complex' ? { re: value, im: 0 } : value;
}

/** @throws InvalidFileFormatError out-of-range for the smallest integer */
export function negate(value: Scalar, dtype: Dtype): Scalar {
  if (isComplex(value)) return { re: -value.re, im: -value.im };
  if (dtypeTraits[dtype].kind === 'float') return -value;
  // Without this 0 would become −0.
  const negative = typeof value === 'bigint' ? -value : 0 - value;
  try {
    return checkScalar(negative, dtype);
  } catch {
    // The smallest integer has no counterpart, so no writer can have meant it.
    throw new InvalidFileFormatError(
      'out-of-range',
      'an element of an antisymmetric matrix has no negative',
      {
        offset: 0,
        found: value,
        expected: `a value whose negative is ${dtype}`,
      },
    );
  }
}

function conjugate(value: Scalar): Scalar {
  return isComplex(value) ? { re: value.re, im: -value.im } : value;
}

function isOne({ re, im }: Complex): boolean {
  return re === 1 && im === 0;
}

function scaled(value: Scalar, factor: Complex): Scalar {
  // Also keeps 64-bit integers exact, which a product of f64 would not.
  if (isOne(factor)) return value;
  if (!isComplex(value) && factor.im === 0) return Number(value) * factor.re;
  const { re, im } = isComplex(value) ? value : { re: Number(value), im: 0 };
  if (factor.im === 0) return { re: re * factor.re, im: im * factor.re };
  return { re: re * factor.re - im * factor.im, im: re * factor.im + im * factor.re };
}

function valueDtype(stored: Dtype, factor: Complex): Dtype {
  if (isOne(factor)) return stored;
  return factor.im !== 0 || dtypeTraits[stored].kind === 'complex' ? 'cf64' : 'f64';
}

/**
 * Builds a payload from the stored values (before any view). Padding is zero.
 * @throws FormatError ERR_VGPU_FORMAT_ARGUMENT when a value does not fit the dtype, or the values do not have the
 * structure: a non-zero below a triangle's diagonal, unequal mirrored elements, and so on.
 */
export function encodePayload(
  array: ArrayDescriptorInput,
  valueAt: (row: number, column: number) => Scalar,
): Uint8Array {
  const descriptor = parseDescriptor(array);
  if (descriptor.structure === 'block') {
    throw new FormatError('ERR_VGPU_FORMAT_ARGUMENT', 'a block matrix stores no values: its blocks do');
  }
  const layout = payloadLayout(descriptor);
  const { rows, columns, structure, dtype } = descriptor;
  const payload = new Uint8Array(layout.byteLength);
  const view = viewOf(payload);
  const stored: StoredReader = (position) => readAt(view, layout, position, dtype);
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      const value = checkScalar(valueAt(row, column), dtype);
      const mirrored = row > column && (structure === 'symmetric' || structure === 'antisymmetric');
      const position = mirrored ? -1 : layout.bitOffset(row, column);
      if (position >= 0) writeAt(view, layout, position, dtype, value);
      else checkImplied(descriptor, layout, stored, row, column, value);
    }
  }
  return payload;
}

/**
 * What is not stored must be what a reader will conclude. `stored` is asked for the mirrored element only.
 * @throws FormatError ERR_VGPU_FORMAT_ARGUMENT
 */
export function checkImplied(
  descriptor: PlainDescriptor,
  layout: PayloadLayout,
  stored: StoredReader,
  row: number,
  column: number,
  value: Scalar,
): void {
  const implied = structuredValue(descriptor, layout, stored, row, column);
  const rounded = isComplex(value) || typeof value === 'bigint' ? value : roundTo(value, descriptor.dtype);
  if (sameScalar(implied, isComplex(rounded) ? roundComplex(rounded, descriptor.dtype) : rounded)) return;
  const text = isComplex(value) ? `${value.re}+${value.im}i` : value;
  throw new FormatError(
    'ERR_VGPU_FORMAT_ARGUMENT',
    `element (${row}, ${column}) is ${text}, which a ${descriptor.structure} matrix cannot have there`,
    { values: { row, column, value: text, structure: descriptor.structure } },
  );
}

/** As it would be after storing: the mirrored element was rounded when it was written. */
function roundTo(value: number, dtype: Dtype): number {
  if (dtype === 'f32' || dtype === 'cf32') return Math.fround(value);
  return dtype === 'f16' || dtype === 'cf16' ? float16ToNumber(numberToFloat16(value)) : value;
}

function roundComplex({ re, im }: Complex, dtype: Dtype): Complex {
  return { re: roundTo(re, dtype), im: roundTo(im, dtype) };
}

function sameScalar(a: Scalar, b: Scalar): boolean {
  if (isComplex(a) || isComplex(b)) {
    return isComplex(a) && isComplex(b) && sameNumber(a.re, b.re) && sameNumber(a.im, b.im);
  }
  return typeof a === 'bigint' || typeof b === 'bigint' ? a === b : sameNumber(a, b);
}

/** Zero is zero whatever its sign, and NaN mirrors NaN. */
function sameNumber(a: number, b: number): boolean {
  return a === b || (Number.isNaN(a) && Number.isNaN(b));
}
