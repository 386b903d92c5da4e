// A payload in the address space, piece by piece: one ArrayBuffer holds at most 4 GiB.
import { isMmapError, type MappedFile, type MappedWindow, maximumWindowBytes } from '@vgpu/mmap-native';
import { ArrayError, cutOff } from './errors.js';

/** A power of two, so that no element crosses from one window into the next: elements lie at multiples of their size. */
const defaultWindowBytes = 2 ** 30;

/**
 * The system maps many pages at a time where a mapping begins at a multiple of this: a third of the time for going
 * through a large file in blocks.
 */
const largePageBytes = 2 ** 21;

export interface Mapped {
  readonly window: MappedWindow;
  /** The range that was asked for; the window may begin before it. */
  readonly bytes: Uint8Array;
}

/**
 * Maps on first use and keeps what it mapped until close(): address space is cheap, and memory is given back with
 * discard, not by unmapping. Offsets count from the first byte of the payload.
 */
export class Windows {
  readonly file: MappedFile;
  readonly #start: number;
  readonly #length: number;
  readonly #windowBytes: number;
  readonly #views: (DataView | undefined)[] = [];
  readonly #open = new Set<MappedWindow>();
  /** Ranges across the border of two windows, which are mapped a second time. */
  readonly #spans = new Map<string, Mapped>();

  constructor(
    file: MappedFile,
    payload: { offset: number; length: number },
    windowBytes = defaultWindowBytes,
  ) {
    this.file = file;
    this.#start = payload.offset;
    this.#length = payload.length;
    this.#windowBytes = windowBytes;
  }

  /** The window with the element at `offset`, which begins at byte `within(offset)` of it. */
  view(offset: number): DataView {
    const index = Math.floor(offset / this.#windowBytes);
    return this.#views[index] ?? this.#mapView(index);
  }

  within(offset: number): number {
    return offset % this.#windowBytes;
  }

  /** @throws ArrayError ERR_VGPU_ARRAY_TOO_LARGE_VIEW when no ArrayBuffer can hold the range */
  bytes(offset: number, length: number): Uint8Array {
    if (length === 0) return new Uint8Array();
    const within = this.within(offset);
    if (within + length <= this.#windowBytes) {
      const { buffer, byteOffset } = this.view(offset);
      return new Uint8Array(buffer, byteOffset + within, length);
    }
    const key = `${offset}+${length}`;
    const span = this.#spans.get(key) ?? this.map(offset, length);
    this.#spans.set(key, span);
    return span.bytes;
  }

  /** A window of its own, for who closes it with `unmap`. */
  map(offset: number, length: number): Mapped {
    if (length > maximumWindowBytes) {
      throw new ArrayError(
        'ERR_VGPU_ARRAY_TOO_LARGE_VIEW',
        `a view of ${length} bytes is larger than ${maximumWindowBytes}, the most that an ArrayBuffer can hold`,
        {
          values: { length, limit: maximumWindowBytes },
          remedy: 'Take fewer rows with block(), go through all with blocks(), or use get() and set().',
        },
      );
    }
    try {
      const start = this.#start + offset;
      const aligned = Math.max(start - (start % largePageBytes), this.#start);
      const before = start - aligned + length > maximumWindowBytes ? 0 : start - aligned;
      const window = this.file.window(start - before, before + length);
      this.#open.add(window);
      return { window, bytes: window.bytes.subarray(before) };
    } catch (error) {
      throw this.explained(error);
    }
  }

  unmap(window: MappedWindow): void {
    this.#open.delete(window);
    window.close();
  }

  /** @throws MmapError ERR_VGPU_MMAP_FAULTED when what was read may be zeros in place of the file's bytes */
  check(): void {
    if (this.file.faulted) throw cutOff(this.file.path);
  }

  /** The payload was inside the file when it was opened: if it is not any more, that is why a range is refused. */
  explained(error: unknown): unknown {
    const refused = isMmapError(error) && error.code === 'ERR_VGPU_MMAP_RANGE';
    const whole = this.file.size >= this.#start + this.#length;
    return refused && !whole ? cutOff(this.file.path, error) : error;
  }

  /** Every view handed out has length 0 afterwards. */
  close(): void {
    for (const window of this.#open) window.close();
    this.#open.clear();
    this.#spans.clear();
    this.#views.length = 0;
  }

  #mapView(index: number): DataView {
    const offset = index * this.#windowBytes;
    const { buffer, byteOffset, byteLength } = this.map(
      offset,
      Math.min(this.#windowBytes, this.#length - offset),
    ).bytes;
    const view = new DataView(buffer, byteOffset, byteLength);
    this.#views[index] = view;
    return view;
  }
}
