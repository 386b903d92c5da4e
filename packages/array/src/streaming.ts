// Going through an array of any size in little memory: what comes next is read ahead, what is behind is given back.
import type { Dtype, PayloadLayout } from '@vgpu/format';
import { maximumWindowBytes } from '@vgpu/mmap-native';
import { type BlockPlace, planBlocks, rangeOf } from './blocks-plan.js';
import { ArrayError, abortable, checkAborted } from './errors.js';
import type { Range } from './reading.js';
import { type StoredView, storedView } from './stored-view.js';
import type { Mapped, Windows } from './windows.js';

/** Consecutive stored rows, or a piece of one row that is larger than a block. */
export interface Block extends BlockPlace {
  /** The stored elements. Valid until the next block is asked for. */
  readonly values: StoredView;
}

export interface BlocksOptions {
  /** The most bytes of a block, 4 KiB to 4 GiB; 16 MiB unless said otherwise. Three blocks are in memory at a time. */
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
  /** Called before a range of the payload is handed out. */
  touch(offset: number, length: number): void;
}

export async function* streamBlocks(source: StreamSource, options: BlocksOptions): AsyncGenerator<Block> {
  const { blockBytes = defaultBlockBytes, prefetch = true, discard = true, signal } = options;
  checkBlockBytes(blockBytes);
  checkAborted(signal);
  const { layout, windows } = source;
  const places = planBlocks(layout, blockBytes);
  let place = take(places);
  let ahead = prefetch ? fetch(source, place, signal) : nothing;
  let behind = nothing;
  while (place !== undefined) {
    await settled(source, ahead);
    checkAborted(signal);
    source.check();
    const next = take(places);
    if (prefetch) ahead = fetch(source, next, signal);
    const ranges = planesOf(layout, place);
    const open: Mapped[] = [];
    try {
      for (const { offset, length } of ranges) {
        source.touch(offset, length);
        open.push(windows.map(offset, length));
      }
      yield { ...place, values: storedView(source.dtype, planeBytes(open, layout.planes)) };
      source.check();
    } finally {
      for (const { window } of open) windows.unmap(window);
    }
    await settled(source, behind);
    if (discard) behind = giveBack(source, ranges);
    place = next;
  }
  await settled(source, behind);
}

const nothing: Promise<void> = Promise.resolve();

function checkBlockBytes(blockBytes: number): void {
  if (
    Number.isSafeInteger(blockBytes) &&
    blockBytes >= smallestBlockBytes &&
    blockBytes <= maximumWindowBytes
  )
    return;
  throw new ArrayError(
    'ERR_VGPU_ARRAY_ARGUMENT',
    `blockBytes is ${blockBytes}, not a whole number from ${smallestBlockBytes} to ${maximumWindowBytes}`,
    { values: { blockBytes } },
  );
}

/** In the payload. */
function planesOf(layout: PayloadLayout, place: BlockPlace): Range[] {
  const { offset, length } = rangeOf(layout, place);
  if (length === 0) return [];
  return Array.from({ length: layout.planes }, (_, plane) => ({
    offset: offset + plane * layout.planeBytes,
    length,
  }));
}

function fetch(
  { windows, payload, layout }: StreamSource,
  place: BlockPlace | undefined,
  signal: AbortSignal | undefined,
): Promise<void> {
  const options = signal === undefined ? {} : { signal };
  const ranges = place === undefined ? [] : planesOf(layout, place);
  return inBackground(ranges, ({ offset, length }) =>
    abortable(() => windows.file.prefetchAsync(payload.offset + offset, length, options)),
  );
}

function giveBack({ windows, payload }: StreamSource, ranges: readonly Range[]): Promise<void> {
  return inBackground(ranges, ({ offset, length }) =>
    windows.file.discardAsync(payload.offset + offset, length),
  );
}

/** The result is awaited one block later, or never, when the caller leaves the loop. */
function inBackground(ranges: readonly Range[], action: (range: Range) => Promise<void>): Promise<void> {
  const work = Promise.all(ranges.map(action)).then(() => {});
  work.catch(() => {});
  return work;
}

/** When the array has moved on, that is what the caller should hear, and not that its old bytes are gone. */
async function settled(source: StreamSource, work: Promise<void>): Promise<void> {
  try {
    await work;
  } catch (error) {
    source.check();
    throw source.windows.explained(error);
  }
}

function planeBytes(open: readonly Mapped[], planes: number): Uint8Array[] {
  return Array.from({ length: planes }, (_, plane) => open[plane]?.bytes ?? new Uint8Array());
}

function take<T>(iterator: Iterator<T>): T | undefined {
  const next = iterator.next();
  return next.done === true ? undefined : next.value;
}
