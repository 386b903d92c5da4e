// What MappedFile, ScratchMemory and replaceFile share: an open file and its windows, every blocking call as steps.
import { dirname } from 'node:path';
import { checkPath, checkWindowLength, type FileRange } from './arguments.js';
import { isMmapError, MmapError } from './errors.js';
import { faultedError, type MappedWindow, WindowSet } from './mapped-window.js';
import { type Advice, type NativeFile, native } from './native.js';
import { absolutePath } from './paths.js';
import { attempt, type Steps, step } from './steps.js';

export type Access = 'read' | 'read-write';
export type LockKind = 'shared' | 'exclusive';

// Long work is done in parts of this size, so that it can be aborted in between.
const partBytes = 64 * 2 ** 20;

// The system reports once only that it could not write, in whichever of these calls comes first.
const writeBackCalls: ReadonlySet<string | undefined> = new Set([
  'msync',
  'sync_file_range',
  'FlushViewOfFile',
  'FlushFileBuffers',
]);

export class OpenFile {
  readonly windows: WindowSet;
  readonly #native: NativeFile;
  // A name that a power cut could still take away.
  #unflushedName: string | undefined;
  #advice: Advice = 'normal';
  #closed = false;
  #operations = 0;
  #poison: { readonly cause: unknown } | undefined;

  /** @param created whether the name is new */
  constructor(
    file: NativeFile,
    readonly path: string,
    readonly access: Access,
    created: boolean,
  ) {
    this.#native = file;
    this.#unflushedName = created ? absolutePath(path) : undefined;
    this.windows = new WindowSet(path);
  }

  get closed(): boolean {
    return this.#closed;
  }

  get poisoned(): boolean {
    return this.#poison !== undefined;
  }

  /** In bytes, now. */
  get size(): number {
    return attempt(() => this.usable().size());
  }

  /** @throws MmapError ERR_VGPU_MMAP_CLOSED, _FAULTED or _POISONED when nothing more may be done with the file. */
  usable(): NativeFile {
    if (this.#closed) {
      throw new MmapError('ERR_VGPU_MMAP_CLOSED', `${this.path} is closed`, { values: { path: this.path } });
    }
    if (this.windows.faulted) throw faultedError(this.path);
    if (this.#poison) throw this.#poisonedError(this.#poison.cause);
    return this.#native;
  }

  /** @throws MmapError ERR_VGPU_MMAP_ACCESS too, when the file is open for reading only. */
  writable(): NativeFile {
    const file = this.usable();
    if (this.access === 'read-write') return file;
    throw new MmapError('ERR_VGPU_MMAP_ACCESS', `${this.path} is open for reading only`, {
      values: { path: this.path },
      remedy: "Open it with access: 'read-write'.",
    });
  }

  window(range: FileRange): MappedWindow {
    const file = this.usable();
    const start = range.offset % native().mappingGranularity;
    const mapped = start + range.length;
    checkWindowLength(this.path, range, (range.offset % native().pageSize) + range.length);
    const mapping = attempt(() => file.map(range.offset - start, mapped, this.access === 'read-write'));
    try {
      if (this.#advice !== 'normal') attempt(() => mapping.advise(this.#advice, 0, mapped));
      return this.windows.add(mapping, start, range, () => mapping.close());
    } catch (error) {
      mapping.close();
      throw error;
    }
  }

  *read(offset: number, target: Uint8Array): Steps<number> {
    const file = this.usable();
    return yield* step((async) => file.read(async, offset, target));
  }

  *write(offset: number, bytes: Uint8Array): Steps<void> {
    const file = this.writable();
    yield* step((async) => file.write(async, offset, bytes));
  }

  *resize(size: number): Steps<void> {
    const file = this.writable();
    const end = this.windows.end;
    if (size < end) {
      throw new MmapError(
        'ERR_VGPU_MMAP_RANGE',
        `a window reaches to ${end} of ${this.path}, beyond ${size}`,
        {
          values: { path: this.path, offset: end, size },
          remedy: 'Close the window first.',
        },
      );
    }
    yield* step((async) => file.resize(async, size));
  }

  *reserve({ offset, length }: FileRange): Steps<void> {
    const file = this.writable();
    if (length > 0) yield* step((async) => file.reserve(async, offset, length));
  }

  *punchHole(range: FileRange): Steps<void> {
    const file = this.writable();
    const { offset, length } = pagesInside(range, Number.POSITIVE_INFINITY);
    if (length > 0) yield* step((async) => file.punchHole(async, offset, length));
  }

  *copyWithin(from: number, to: number, length: number): Steps<void> {
    const file = this.writable();
    for (const { offset, length: count } of slices({ offset: 0, length })) {
      yield* step((async) => file.copyWithin(async, from + offset, to + offset, count));
    }
  }

  *flush(range: FileRange): Steps<void> {
    const file = this.usable();
    // Nothing of ours to write, and Windows refuses to.
    if (this.access === 'read') return;
    try {
      for (const part of this.windows.parts(range)) {
        yield* step((async) => part.mapping.writeBack(async, part.offset, part.length));
      }
      yield* step((async) => file.flush(async));
      const name = this.#unflushedName;
      if (name !== undefined) {
        yield* step((async) => native().flushDirectory(async, dirname(name)));
        this.#unflushedName = undefined;
      }
    } catch (error) {
      // Between two system calls: nothing failed, it only ended early.
      if (isMmapError(error) && error.code === 'ERR_VGPU_MMAP_ABORTED') throw error;
      throw this.#poisonWith(error);
    }
  }

  *discard(range: FileRange): Steps<void> {
    const file = this.usable();
    const { offset, length } = pagesInside(range, this.size);
    if (length === 0) return;
    try {
      for (const part of this.windows.parts({ offset, length })) {
        yield* step((async) => part.mapping.discard(async, part.offset, part.length));
      }
      yield* step((async) => file.dropCache(async, offset, length));
    } catch (error) {
      if (isMmapError(error) && writeBackCalls.has(error.values.syscall)) throw this.#poisonWith(error);
      throw error;
    }
  }

  advise(advice: Advice, range: FileRange | undefined): void {
    this.usable();
    if (range === undefined) this.#advice = advice;
    for (const part of this.windows.parts(range ?? { offset: 0, length: Number.MAX_SAFE_INTEGER })) {
      attempt(() => part.mapping.advise(advice, part.offset, part.length));
    }
  }

  *prefetch({ offset, length }: FileRange): Steps<void> {
    const file = this.usable();
    if (length > 0) yield* step((async) => file.prefetch(async, offset, length));
  }

  *load(range: FileRange): Steps<void> {
    const file = this.usable();
    for (const { offset, length } of slices(range)) {
      yield* step((async) => file.load(async, offset, length));
    }
  }

  *residentBytes({ offset, length }: FileRange): Steps<number> {
    const file = this.usable();
    if (process.platform !== 'win32') {
      return yield* step((async) => file.residentBytes(async, offset, length));
    }
    // Windows tells only what this process's own mappings have in memory.
    let resident = 0;
    for (const part of this.windows.parts({ offset, length })) {
      resident += part.mapping.residentBytes(part.offset, part.length);
    }
    return resident;
  }

  pin(range: FileRange): void {
    this.usable();
    for (const part of this.windows.parts(range)) attempt(() => part.mapping.pin(part.offset, part.length));
  }

  unpin(range: FileRange): void {
    this.usable();
    for (const part of this.windows.parts(range)) attempt(() => part.mapping.unpin(part.offset, part.length));
  }

  *lock(kind: LockKind): Steps<void> {
    const file = this.usable();
    if (!(yield* step((async) => file.tryLock(async, kind === 'exclusive')))) throw lockedError(this.path);
  }

  unlock(): void {
    attempt(() => this.usable().unlock());
  }

  /** Runs an operation that takes time: the file stays open until it ends, though close() may be called before. */
  async during<T>(operation: Promise<T>): Promise<T> {
    this.#operations += 1;
    try {
      return await operation;
    } finally {
      this.#operations -= 1;
      this.#closeWhenIdle();
    }
  }

  close(): void {
    this.#closed = true;
    this.windows.closeAll();
    this.#closeWhenIdle();
  }

  #closeWhenIdle(): void {
    if (this.#closed && this.#operations === 0) this.#native.close();
  }

  #poisonWith(cause: unknown): MmapError {
    this.#poison ??= { cause };
    return this.#poisonedError(cause);
  }

  #poisonedError(cause: unknown): MmapError {
    return new MmapError(
      'ERR_VGPU_MMAP_POISONED',
      `writing ${this.path} to disk failed: which of its changes the disk has is not known`,
      { values: { path: this.path, ...(isMmapError(cause) && cause.values) }, cause },
    );
  }
}

/** The pages that hold no byte outside the range; behind the end of the file there is none. */
function pagesInside({ offset, length }: FileRange, fileSize: number): FileRange {
  const { pageSize } = native();
  const begin = Math.ceil(offset / pageSize) * pageSize;
  const round = offset + length >= fileSize ? Math.ceil : Math.floor;
  const end = round((offset + length) / pageSize) * pageSize;
  return { offset: begin, length: Math.max(0, end - begin) };
}

function* slices({ offset, length }: FileRange): Generator<FileRange> {
  for (let done = 0; done < length; done += partBytes) {
    yield { offset: offset + done, length: Math.min(partBytes, length - done) };
  }
}

export function lockedError(path: string): MmapError {
  return new MmapError('ERR_VGPU_MMAP_LOCKED', `somebody else has locked ${path}`, { values: { path } });
}

/** A new file with a lock; its name is gone again when that fails. */
export function* createLocked(path: string, mode: number, lock: LockKind | 'none'): Steps<NativeFile> {
  checkPath(path);
  const file = yield* step((async) => native().createFile(async, path, mode));
  try {
    if (lock !== 'none' && !(yield* step((async) => file.tryLock(async, lock === 'exclusive')))) {
      throw lockedError(path);
    }
    return file;
  } catch (error) {
    yield* abandon(path, file);
    throw error;
  }
}

/** Gives a new file its size. `reserve` takes the disk space as well. */
export function* allocate(file: NativeFile, size: number, reserve: boolean): Steps<void> {
  if (size === 0) return;
  if (reserve) yield* step((async) => file.reserve(async, 0, size));
  else yield* step((async) => file.resize(async, size));
}

/** Gives up a new file: removes its name, then closes it, so that the lock protects the name to its end. */
export function* abandon(path: string, file: NativeFile): Steps<void> {
  try {
    yield* step((async) => native().removeFile(async, path));
  } catch {
    // The error that matters is the one that led here.
  } finally {
    file.close();
  }
}

/** False too when the path names nothing any more. */
export function* standsAt(file: NativeFile, path: string): Steps<boolean> {
  try {
    return yield* step((async) => file.isAt(async, path));
  } catch (error) {
    if (isMmapError(error) && error.code === 'ERR_VGPU_MMAP_NOT_FOUND') return false;
    throw error;
  }
}
