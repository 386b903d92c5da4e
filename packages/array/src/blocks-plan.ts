// Cutting a payload into blocks of consecutive stored rows, without touching it.
import type { PayloadLayout } from '@vgpu/format';
import { ArrayError, checkIndex } from './errors.js';
import type { Range } from './reading.js';

/** Rows are cut only when a single one is larger than a block. */
export interface BlockPlace {
  readonly firstRow: number;
  /** 1 for a piece of a row. */
  readonly rowCount: number;
  /** Where in its row a piece begins; 0 for whole rows. */
  readonly firstElement: number;
  /** Of all rows together, padding not counted. */
  readonly elementCount: number;
}

/** Pieces of rows of bits begin in whole words. */
const pieceElements = 64;

export function* planBlocks(layout: PayloadLayout, blockBytes: number): Generator<BlockPlace> {
  const planeBytes = Math.floor(blockBytes / layout.planes);
  for (let row = 0; row < layout.storedRows; ) {
    if (rowBytes(layout, row) > planeBytes) {
      yield* cutRow(layout, row, planeBytes);
      row++;
    } else {
      const rowCount = rowsThatFit(layout, row, planeBytes);
      yield wholeRows(layout, row, rowCount);
      row += rowCount;
    }
  }
}

function* cutRow(layout: PayloadLayout, row: number, planeBytes: number): Generator<BlockPlace> {
  const total = layout.rowElements(row);
  const fitting = Math.floor((planeBytes * 8) / layout.bitsPerElement / pieceElements) * pieceElements;
  for (let done = 0; done < total; done += fitting) {
    yield { firstRow: row, rowCount: 1, firstElement: done, elementCount: Math.min(fitting, total - done) };
  }
}

/** Where a block lies in each plane. Padding between rows is included, padding behind the last one is not. */
export function rangeOf(layout: PayloadLayout, place: BlockPlace): Range {
  const { firstRow, rowCount, firstElement, elementCount } = place;
  const start = layout.rowOffset(firstRow);
  if (rowCount === 1) {
    const offset = start + Math.floor((firstElement * layout.bitsPerElement) / 8);
    return { offset, length: Math.ceil((elementCount * layout.bitsPerElement) / 8) };
  }
  return { offset: start, length: rowCount === 0 ? 0 : endOfRow(layout, firstRow + rowCount - 1) - start };
}

/** @throws ArrayError ERR_VGPU_ARRAY_RANGE unless there are so many stored rows */
export function wholeRows(layout: PayloadLayout, firstRow: number, rowCount: number): BlockPlace {
  const { storedRows } = layout;
  checkIndex('row', firstRow, storedRows);
  if (!Number.isSafeInteger(rowCount) || rowCount < 1 || firstRow + rowCount > storedRows) {
    throw new ArrayError(
      'ERR_VGPU_ARRAY_RANGE',
      `there are no ${rowCount} stored rows from row ${firstRow} of ${storedRows}`,
      { values: { firstRow, rowCount, storedRows } },
    );
  }
  return { firstRow, rowCount, firstElement: 0, elementCount: elementsOf(layout, firstRow, rowCount) };
}

function elementsOf(layout: PayloadLayout, firstRow: number, rowCount: number): number {
  if (rowCount === 0) return 0;
  const last = layout.rowElements(firstRow + rowCount - 1);
  // Rows are equally long, or each is one shorter than the one before, until nothing is left.
  const first = layout.rowElements(firstRow);
  return first === last ? first * rowCount : ((first + last) * (first - last + 1)) / 2;
}

function rowsThatFit(layout: PayloadLayout, firstRow: number, planeBytes: number): number {
  const start = layout.rowOffset(firstRow);
  let [low, high] = [1, layout.storedRows - firstRow];
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if (endOfRow(layout, firstRow + middle - 1) - start <= planeBytes) low = middle;
    else high = middle - 1;
  }
  return low;
}

function rowBytes(layout: PayloadLayout, row: number): number {
  return Math.ceil((layout.rowElements(row) * layout.bitsPerElement) / 8);
}

function endOfRow(layout: PayloadLayout, row: number): number {
  return layout.rowOffset(row) + rowBytes(layout, row);
}
