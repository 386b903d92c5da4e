import type { FileRange } from './arguments.js';
import { MmapError } from './errors.js';
import { type NativeBuffer, type NativeMapping, native } from './native.js';
import { attempt } from './steps.js';

interface WindowParts extends FileRange {
  readonly buffer: NativeBuffer;
  readonly bytes: Uint8Array;
  /** Throws when the bytes are not to be trusted. */
  check(): void;
  onClose(): void;
}

let construct: (parts: WindowParts) => MappedWindow;

/**
 * A range of a file, or of scratch memory, as bytes in memory; made by `window()`. Belongs to the thread that made it.
 *
 * Close it as soon as it is not needed: until then, or until whoever made it is closed, it takes address space. A window
 * that nobody closes and nobody can reach any more is released by the garbage collector, some time.
 */
export class MappedWindow implements Disposable {
  /** Where in the file it begins, in bytes. */
  readonly offset: number;
  /** In bytes, 1 to `maximumWindowBytes`. */
  readonly length: number;
  readonly #parts: WindowParts;
  #closed = false;

  private constructor(parts: WindowParts) {
    this.offset = parts.offset;
    this.length = parts.length;
    this.#parts = parts;
  }

  static {
    construct = (parts) => new MappedWindow(parts);
  }

  /**
   * The bytes, without a copy, and the same array every time. Costs one call into native code.
   *
   * Its ArrayBuffer begins at the page that `offset` lies in, so `byteOffset` need not be 0:
   * `new Float64Array(bytes.buffer, bytes.byteOffset, bytes.length / 8)`. What is written reaches the file, and other
   * processes, at once, and the disk with `flush()`. In a window of a file that is open for reading only, what is
   * written stays in this process. After close() the array has length 0. If ArrayBuffer.prototype.transfer() moved the
   * buffer away, its pages, and the lock of the file, live until the garbage collector has found the new one.
   *
   * @throws MmapError ERR_VGPU_MMAP_CLOSED; ERR_VGPU_MMAP_FAULTED once part of the file could not be read
   */
  get bytes(): Uint8Array {
    if (this.#closed) throw new MmapError('ERR_VGPU_MMAP_CLOSED', 'the window is closed');
    this.#parts.check();
    return this.#parts.bytes;
  }

  get closed(): boolean {
    return this.#closed;
  }

  /** Unmaps. Nothing is lost: what was written is the system's to write back. Does nothing the second time. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#parts.onClose();
    this.#parts.buffer.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }
}

/** A part of a mapping that a range of the file is visible in. */
export interface MappedPart extends FileRange {
  readonly mapping: NativeMapping;
}

interface OpenWindow {
  readonly window: MappedWindow;
  readonly mapping: NativeMapping;
  /** Where in the mapping the window begins. */
  readonly start: number;
}

/** The open windows of one file or one piece of memory. */
export class WindowSet {
  readonly #open = new Set<OpenWindow>();
  readonly #describe: string;
  #faulted = false;
  #faultsSeen = 0;

  /** @param describe what the windows show, for messages */
  constructor(describe: string) {
    this.#describe = describe;
  }

  /**
   * @param start where in the mapping the window begins
   * @param onClose lets go of the mapping if it was made for this window
   */
  add(
    mapping: NativeMapping,
    start: number,
    { offset, length }: FileRange,
    onClose: () => void,
  ): MappedWindow {
    // From the first page on, so that what is aligned in the file is aligned in the buffer.
    const inPage = start % native().pageSize;
    const buffer = attempt(() => mapping.buffer(start - inPage, inPage + length));
    const window = construct({
      offset,
      length,
      buffer,
      bytes: new Uint8Array(buffer.arrayBuffer(), inPage, length),
      check: () => {
        if (this.faulted) throw faultedError(this.#describe);
      },
      onClose: () => {
        // As long as it can be asked.
        this.#faulted ||= mapping.faulted();
        this.#open.delete(entry);
        onClose();
      },
    });
    const entry: OpenWindow = { window, mapping, start };
    this.#open.add(entry);
    return window;
  }

  /** What of the range is mapped. Windows that close while the caller works are left out. */
  *parts({ offset, length }: FileRange): Generator<MappedPart> {
    for (const { window, mapping, start } of [...this.#open]) {
      const mapped = window.offset - start;
      const begin = Math.max(offset, mapped);
      const end = Math.min(offset + length, window.offset + window.length);
      if (begin < end && !window.closed) yield { mapping, offset: begin - mapped, length: end - begin };
    }
  }

  /** The end of the last window. */
  get end(): number {
    return Math.max(0, ...[...this.#open].map(({ window }) => window.offset + window.length));
  }

  /** Whether any window, open or closed, met bytes that the file does not have. */
  get faulted(): boolean {
    const count = native().faultCount();
    if (count !== this.#faultsSeen) {
      this.#faulted ||= [...this.#open].some(({ mapping }) => mapping.faulted());
      this.#faultsSeen = count;
    }
    return this.#faulted;
  }

  closeAll(): void {
    for (const { window } of [...this.#open]) window.close();
  }
}

export function faultedError(path: string): MmapError {
  return new MmapError(
    'ERR_VGPU_MMAP_FAULTED',
    `${path} became shorter than its mapping, or cannot be read: zeros stand in for some of its bytes`,
    { values: { path } },
  );
}
