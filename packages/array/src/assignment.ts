// Setting a value: from what the array says to what is stored.
import {
  checkImplied,
  checkScalar,
  FormatError,
  isComplex,
  negate,
  type PayloadLayout,
  type PlainDescriptor,
  type Scalar,
} from '@vgpu/format';
import { ArrayError } from './errors.js';
import type { StoredElements } from './stored-elements.js';

/**
 * Undoes view and structure, and writes. Returns the position written, −1 when the value follows from the structure.
 * @throws ArrayError ERR_VGPU_ARRAY_STRUCTURE when structure or view do not allow the value there
 * @throws FormatError ERR_VGPU_FORMAT_ARGUMENT for a value that the dtype cannot hold
 */
export function assign(
  descriptor: PlainDescriptor,
  layout: PayloadLayout,
  elements: StoredElements,
  place: { readonly row: number; readonly column: number },
  value: Scalar,
): number {
  const { view, dtype, structure } = descriptor;
  if (view.scalar.re !== 1 || view.scalar.im !== 0) {
    throw new ArrayError(
      'ERR_VGPU_ARRAY_STRUCTURE',
      'the view multiplies its elements, and a quotient would be rounded',
      { remedy: 'Change the stored elements, with row() or block().' },
    );
  }
  const [row, column] = view.transposed ? [place.column, place.row] : [place.row, place.column];
  const checked = checkScalar(value, dtype);
  const stored = view.conjugated && isComplex(checked) ? { re: checked.re, im: -checked.im } : checked;
  const position = layout.bitOffset(row, column);
  if (position < 0) {
    refuseContradiction(() =>
      checkImplied(descriptor, layout, (mirrored) => elements.read(mirrored), row, column, stored),
    );
    return -1;
  }
  const mirrored = structure === 'antisymmetric' && row > column;
  elements.write(position, mirrored ? refuseContradiction(() => negate(stored, dtype)) : stored);
  return position;
}

/** Runs a check of @vgpu/format, whose error becomes the cause of ours. */
export function refuseContradiction<T>(check: () => T): T {
  try {
    return check();
  } catch (error) {
    if (!(error instanceof FormatError)) throw error;
    throw new ArrayError('ERR_VGPU_ARRAY_STRUCTURE', error.message, { values: error.values, cause: error });
  }
}
