// Where the contents of scratch memory are.
import { checkWindowLength, type FileRange } from './arguments.js';
import { isMmapError, MmapError } from './errors.js';
import { faultedError, type MappedWindow, WindowSet } from './mapped-window.js';
import { type NativeMapping, native } from './native.js';
import type { OpenFile } from './open-file.js';
import { attempt, run, type Steps, step } from './steps.js';

export interface ScratchBacking {
  readonly size: number;
  readonly path: string | undefined;
  readonly closed: boolean;
  readonly faulted: boolean;
  window(range: FileRange): MappedWindow;
  discard(range: FileRange): Steps<void>;
  release(range: FileRange): Steps<void>;
  residentBytes(range: FileRange): Steps<number>;
  /** Keeps everything open until the operation has ended. */
  during<T>(operation: Promise<T>): Promise<T>;
  close(): void;
}

export class FileBacking implements ScratchBacking {
  readonly #file: OpenFile;

  /** @param file of whole pages, so that the last one can be given back as well */
  constructor(
    file: OpenFile,
    readonly size: number,
    readonly path: string | undefined,
  ) {
    this.#file = file;
  }

  get closed(): boolean {
    return this.#file.closed;
  }

  get faulted(): boolean {
    return this.#file.windows.faulted;
  }

  window(range: FileRange): MappedWindow {
    return this.#file.window(range);
  }

  discard(range: FileRange): Steps<void> {
    return this.#file.punchHole(this.#withLastPage(range));
  }

  release(range: FileRange): Steps<void> {
    return this.#file.discard(this.#withLastPage(range));
  }

  residentBytes(range: FileRange): Steps<number> {
    return this.#file.residentBytes(range);
  }

  during<T>(operation: Promise<T>): Promise<T> {
    return this.#file.during(operation);
  }

  close(): void {
    if (this.closed) return;
    try {
      // While it is locked, so that nobody cleans up what has our name by then.
      if (this.path !== undefined) removeName(this.path);
    } finally {
      this.#file.close();
    }
  }

  #withLastPage({ offset, length }: FileRange): FileRange {
    if (offset + length < this.size) return { offset, length };
    const { pageSize } = native();
    return { offset, length: Math.ceil(this.size / pageSize) * pageSize - offset };
  }
}

function removeName(path: string): void {
  try {
    run(step((async) => native().removeFile(async, path)));
  } catch (error) {
    if (!(isMmapError(error) && error.code === 'ERR_VGPU_MMAP_NOT_FOUND')) throw error;
  }
}

const description = 'the scratch memory';

/** Memory of this process alone: one mapping, and windows that show parts of it. */
export class AnonymousBacking implements ScratchBacking {
  readonly path = undefined;
  readonly #windows = new WindowSet(description);
  readonly #mapping: NativeMapping;
  #closed = false;

  private constructor(
    mapping: NativeMapping,
    readonly size: number,
  ) {
    this.#mapping = mapping;
  }

  static create(size: number): AnonymousBacking {
    return new AnonymousBacking(
      attempt(() => native().anonymousMemory(size)),
      size,
    );
  }

  get closed(): boolean {
    return this.#closed;
  }

  get faulted(): boolean {
    return this.#windows.faulted;
  }

  window(range: FileRange): MappedWindow {
    const mapping = this.#usable();
    checkWindowLength(description, range, (range.offset % native().pageSize) + range.length);
    return this.#windows.add(mapping, range.offset, range, () => {});
  }

  *discard({ offset, length }: FileRange): Steps<void> {
    const mapping = this.#usable();
    yield* step((async) => mapping.discard(async, offset, length));
  }

  // biome-ignore lint/correctness/useYield: it has only one thing to say.
  *release(): Steps<void> {
    this.#usable();
    throw new MmapError(
      'ERR_VGPU_MMAP_UNSUPPORTED',
      'scratch memory without a file has nowhere to keep its contents',
      {
        remedy: 'Create it with a directory.',
      },
    );
  }

  *residentBytes({ offset, length }: FileRange): Steps<number> {
    const mapping = this.#usable();
    return yield* step(() => (length === 0 ? 0 : mapping.residentBytes(offset, length)));
  }

  // The addon keeps the pages.
  during<T>(operation: Promise<T>): Promise<T> {
    return operation;
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#windows.closeAll();
    this.#mapping.close();
  }

  #usable(): NativeMapping {
    if (this.#closed) throw new MmapError('ERR_VGPU_MMAP_CLOSED', `${description} is closed`);
    if (this.faulted) throw faultedError(description);
    return this.#mapping;
  }
}
