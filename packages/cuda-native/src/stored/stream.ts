// Going through arrays side by side: the next piece is read while this one is worked on, and the last one is given back.
import { inBackground } from './background.js';
import { piecesThatFit, type Run } from './run.js';
import type { Elements, StoredType } from './stored-array.js';

export interface Piece {
  readonly first: number;
  readonly count: number;
}

/** More does not make reading faster. */
const mostPieceBytes = 16 * 2 ** 20;
/** The piece before, this one, and the next. */
const piecesInMemory = 3;

/** All elements in pieces of `size`, the last one smaller. */
export function* piecesOf(count: number, size: number, start = 0): Generator<Piece> {
  for (let first = start; first < count; first += size) yield { first, count: Math.min(size, count - first) };
}

/**
 * How many elements make a piece of these arrays; a multiple of `multiple`.
 *
 * @throws ComputeError ERR_VGPU_COMPUTE_MEMORY_LIMIT
 */
export function pieceSize(run: Run, arrays: readonly Elements<StoredType>[], multiple: number): number {
  const bytes = multiple * bytesPerRow(arrays);
  const most = Math.max(1, Math.floor((mostPieceBytes * arrays.length) / bytes));
  return multiple * piecesThatFit(run.memoryLimit, piecesInMemory * bytes, 1, most);
}

/**
 * Has `work` done with each piece in turn. Of inputs the next one is read meanwhile; a piece's memory goes back when the piece
 * after it is done.
 */
export async function stream(
  run: Run,
  pieces: Iterable<Piece>,
  {
    inputs,
    outputs = [],
  }: { readonly inputs: readonly Elements<StoredType>[]; readonly outputs?: readonly Elements<StoredType>[] },
  work: (piece: Piece) => Promise<void>,
): Promise<void> {
  const { signal } = run.options;
  const abort = signal === undefined ? {} : { signal };
  const arrays = [...inputs, ...outputs];
  const bytes = bytesPerRow(arrays);
  const fetch = ({ first, count }: Piece) =>
    inBackground(
      inputs.map(
        ({ array }) =>
          () =>
            array.prefetch(first, count, abort),
      ),
    );
  const giveBack = ({ first, count }: Piece) =>
    inBackground(
      arrays.map(
        ({ array }) =>
          () =>
            array.discard(first, count),
      ),
    );
  let behind = Promise.resolve();
  let ahead: Promise<void> | undefined;
  try {
    for (const [piece, next] of withNext(pieces)) {
      await (ahead ?? fetch(piece));
      signal?.throwIfAborted();
      ahead = next && fetch(next);
      run.uses(bytes * (piecesInMemory - 1) * piece.count + bytes * (next?.count ?? 0));
      await work(piece);
      await behind;
      behind = giveBack(piece);
      run.progress(bytes * piece.count);
    }
    // Where a file was cut off, this is what says so.
    await behind;
  } catch (error) {
    // Arrays have errors of their own for what a signal has stopped.
    signal?.throwIfAborted();
    throw error;
  } finally {
    // Nothing touches the arrays any more, however this ends.
    await Promise.allSettled([ahead, behind]);
  }
}

export function bytesPerRow(arrays: readonly Elements<StoredType>[]): number {
  return arrays.reduce((sum, { bytesPerElement }) => sum + bytesPerElement, 0);
}

function* withNext<T>(items: Iterable<T>): Generator<[T, T | undefined]> {
  let before: { item: T } | undefined;
  for (const item of items) {
    if (before !== undefined) yield [before.item, item];
    before = { item };
  }
  if (before !== undefined) yield [before.item, undefined];
}
