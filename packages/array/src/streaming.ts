// Going through an array of any size in little memory: what comes next is read ahead, what is behind is given back.
import type { Dtype, PayloadLayout } from '@vgpu/format';
import { type MappedWindow, maximumWindowBytes } from '@vgpu/mmap-native';
import { type BlockPlace, planBlocks, rangeOf } from './blocks-plan.js';
import { ArrayError, abortable, checkAborted } from './errors.js';
import type { Range } from './reading.js';
import { type StoredView, storedView } from './stored-view.js';
import type { Windows } from './windows.js';

/** Consecutive stored rows, or a piece of one row that is larger than a block. */
export interface Block extends BlockPlace {
  /** The stored elements. Valid until the next block is asked for. */
  readonly values: StoredView;
}

export interface BlocksOptions {
  /** The most bytes of a block, 4 KiB to 4 GiB; 16 MiB unless said otherwise. Two blocks are in memory at a time. */
  readonly blockBytes?: number | undefined;
  /** Read the next block from disk while this one is in use. */
  readonly prefetch?: boolean | undefined;
  /** Give the memory of a block back, page cache included, once the next one is asked for. */
  readonly discard?: boolean | undefined;
  readonly signal?: AbortSignal | undefined;
}

const defaultBlockBytes = 16 * 1024 * 1024;
const smallestBlockBytes = 4096;

export interface StreamSource {
  readonly windows: Windows;
  readonly payload: Range;
  readonly layout: PayloadLayout;
  readonly dtype: Dtype;
  /** Throws when there is nothing to read any more. */
  check(): void;
  /** Called before a range, relative to the payload, is handed out. */
  touch(offset: number, length: number): void;
}

export async function* streamBlocks(source: StreamSource, options: BlocksOptions): AsyncGenerator<Block> {
  const { blockBytes = defaultBlockBytes, prefetch = true, discard = true, signal } = options;
  if (
    !Number.isSafeInteger(blockBytes) ||
    blockBytes < smallestBlockBytes ||
    blockBytes > maximumWindowBytes
  ) {
    throw new ArrayError(
      'ERR_VGPU_ARRAY_ARGUMENT',
      `blockBytes is ${blockBytes}, not a whole number from ${smallestBlockBytes} to ${maximumWindowBytes}`,
      { values: { blockBytes } },
    );
  }
  const { layout, windows, payload } = source;
  const { file } = windows;
  const planesOf = (place: BlockPlace): Range[] => {
    const { offset, length } = rangeOf(layout, place);
    const planes = Array.from({ length: layout.planes }, (_, plane) => offset + plane * layout.planeBytes);
    return length === 0 ? [] : planes.map((start) => ({ offset: start, length }));
  };
  const fetch = async (place: BlockPlace | undefined): Promise<void> => {
    if (!prefetch || place === undefined) return;
    const options = signal === undefined ? {} : { signal };
    await Promise.all(
      planesOf(place).map((range) =>
        abortable(() => file.prefetchAsync(payload.offset + range.offset, range.length, options)),
      ),
    );
  };

  checkAborted(signal);
  const places = planBlocks(layout, blockBytes);
  let place = take(places);
  let ahead = fetch(place);
  while (place !== undefined) {
    await ahead.catch((error: unknown) => {
      // The range may be gone because the array moved on, which is what the caller should hear.
      source.check();
      throw windows.explained(error);
    });
    checkAborted(signal);
    source.check();
    const next = take(places);
    ahead = fetch(next);
    // Awaited in the next turn, which may never come.
    ahead.catch(() => {});
    const ranges = planesOf(place);
    const open: MappedWindow[] = [];
    try {
      for (const range of ranges) {
        source.touch(range.offset, range.length);
        open.push(windows.map(range.offset, range.length));
      }
      yield { ...place, values: storedView(source.dtype, planeBytes(open, layout.planes)) };
      source.check();
    } finally {
      for (const window of open) windows.unmap(window);
    }
    if (discard) {
      for (const { offset, length } of ranges) await file.discardAsync(payload.offset + offset, length);
    }
    place = next;
  }
}

function planeBytes(open: readonly MappedWindow[], planes: number): Uint8Array[] {
  return Array.from({ length: planes }, (_, plane) => open[plane]?.bytes ?? new Uint8Array());
}

function take<T>(iterator: Iterator<T>): T | undefined {
  const next = iterator.next();
  return next.done === true ? undefined : next.value;
}
