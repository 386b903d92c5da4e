import { bytesOf, checkBytes, checkChoice, checkPath, type FileBytes, rangeInside } from './arguments.js';
import { MmapError } from './errors.js';
import type { MappedWindow } from './mapped-window.js';
import { type Advice, native } from './native.js';
import {
  type Access,
  abandon,
  allocate,
  createLocked,
  type LockKind,
  lockedError,
  OpenFile,
  standsAt,
} from './open-file.js';
import { absolutePath } from './paths.js';
import { run, runAsync, type Steps, step } from './steps.js';

export interface CreateOptions {
  /** In bytes; the contents are zeros. */
  readonly size: FileBytes;
  /** Takes the disk space at once, so that a full disk is an error now and not a fault later. Default: true. */
  readonly reserve?: boolean;
  /** Default: exclusive. */
  readonly lock?: LockKind | 'none';
}

export interface OpenOptions {
  /** Default: read. */
  readonly access?: Access;
  /** Default: shared for reading, exclusive for reading and writing. */
  readonly lock?: LockKind | 'none';
}

export interface AbortOptions {
  readonly signal?: AbortSignal;
}

/** Wraps a file that this package has opened; not for users. */
export let wrap: (file: OpenFile) => MappedFile;

// Before the umask, as any program creates files.
const newFileMode = 0o666;
// Whoever replaces the file so often while we open it does it on purpose.
const mostAttempts = 100;

/**
 * A file whose bytes are reached through windows in memory, or by explicit reads and writes.
 *
 * Offsets and lengths are bytes, numbers or bigints up to 2^53 − 1. A range without `length` goes to the end of the
 * file; one that is only asked about or flushed must lie inside it. Methods without `Async` block the calling thread;
 * those with it run on libuv's thread pool, and keep the file open while they do. An object belongs to the thread that
 * made it; several threads and processes may open the same file, each for itself.
 *
 * Locks are advisory and belong to the open file: they go when it is closed and when the process dies, however it dies.
 *
 * Every method throws MmapError: ERR_VGPU_MMAP_CLOSED after close(); ERR_VGPU_MMAP_FAULTED once part of a window could
 * not be read because somebody shortened the file or the disk failed (the bytes are zeros then, and the process lives);
 * ERR_VGPU_MMAP_POISONED once a flush failed; _ARGUMENT and _RANGE for what makes no sense; _ACCESS, _NO_SPACE, _IO for
 * what the system says.
 */
export class MappedFile implements Disposable {
  readonly #file: OpenFile;
  readonly #absolutePath: string;

  private constructor(file: OpenFile) {
    this.#file = file;
    this.#absolutePath = absolutePath(file.path);
  }

  static {
    wrap = (file) => new MappedFile(file);
  }

  /**
   * A new file, for reading and writing. Nothing is left behind on failure. Its name survives a power cut after the
   * first flush().
   *
   * @throws MmapError ERR_VGPU_MMAP_EXISTS, _NO_SPACE, _NOT_FOUND (the directory), _ACCESS
   */
  static create(path: string, options: CreateOptions): MappedFile {
    return new MappedFile(run(create(path, options)));
  }

  /** create(), off the main thread. */
  static async createAsync(path: string, options: CreateOptions & AbortOptions): Promise<MappedFile> {
    return new MappedFile(await runAsync(create(path, options), options.signal));
  }

  /**
   * Opens a regular file, links followed. A file that somebody puts in its place meanwhile is the one that is opened.
   *
   * @throws MmapError ERR_VGPU_MMAP_NOT_FOUND, _ACCESS, _LOCKED (at once: it never waits)
   */
  static open(path: string, options: OpenOptions = {}): MappedFile {
    return new MappedFile(run(open(path, options)));
  }

  /** open(), off the main thread. */
  static async openAsync(path: string, options: OpenOptions & AbortOptions = {}): Promise<MappedFile> {
    return new MappedFile(await runAsync(open(path, options), options.signal));
  }

  get path(): string {
    return this.#file.path;
  }

  get access(): Access {
    return this.#file.access;
  }

  /** In bytes, asked of the system each time. */
  get size(): number {
    return this.#file.size;
  }

  get closed(): boolean {
    return this.#file.closed;
  }

  /**
   * Whether the path names another file by now, or none: somebody who asks for no lock replaced, moved or removed this
   * one. What is written to it then is lost once it is closed. One system call.
   */
  get replaced(): boolean {
    return !run(standsAt(this.#file.usable(), this.#absolutePath));
  }

  /** Whether zeros stand in for bytes of a window that could not be read. Look after bulk reads of `bytes`. */
  get faulted(): boolean {
    return this.#file.windows.faulted;
  }

  /** Whether a flush failed. `bytes` of windows stay readable, to rescue what they hold. */
  get poisoned(): boolean {
    return this.#file.poisoned;
  }

  /**
   * Maps a range, which must lie inside the file. Any offset will do; lengths from 1 to `maximumWindowBytes`, less the
   * part of a page that lies before the offset. Costs some microseconds, as pages are read when they are touched; but the
   * engine counts the length as memory in use, and may collect garbage when a large window is made. Where JavaScript cannot use memory that it did not allocate, as in Electron, this fails.
   *
   * @throws MmapError ERR_VGPU_MMAP_RANGE, _UNSUPPORTED
   */
  window(offset: FileBytes, length: FileBytes): MappedWindow {
    return this.#file.window(rangeInside(this.size, this.path, offset, length));
  }

  /**
   * Copies from the file into `target`: for files that others may shorten, where a window would fault. Returns the
   * number of bytes: fewer than `target` holds only at the end of the file.
   */
  read(offset: FileBytes, target: Uint8Array): number {
    checkBytes(target, 'target');
    return run(this.#file.read(bytesOf(offset, 'offset'), target));
  }

  /** read(), off the main thread. Do not transfer `target` to another thread meanwhile. */
  readAsync(offset: FileBytes, target: Uint8Array): Promise<number> {
    return this.#later(() => {
      checkBytes(target, 'target');
      return this.#file.read(bytesOf(offset, 'offset'), target);
    });
  }

  /**
   * Copies all of `bytes` into the file, which grows if necessary. On failure some of them may have been written.
   *
   * @throws MmapError ERR_VGPU_MMAP_NO_SPACE, _ACCESS
   */
  write(offset: FileBytes, bytes: Uint8Array): void {
    checkBytes(bytes, 'bytes');
    run(this.#file.write(bytesOf(offset, 'offset'), bytes));
  }

  /** write(), off the main thread. Do not change `bytes`, or transfer it to another thread, meanwhile. */
  writeAsync(offset: FileBytes, bytes: Uint8Array): Promise<void> {
    return this.#later(() => {
      checkBytes(bytes, 'bytes');
      return this.#file.write(bytesOf(offset, 'offset'), bytes);
    });
  }

  /**
   * Cuts the file, or appends zeros that take no disk space.
   *
   * @throws MmapError ERR_VGPU_MMAP_RANGE when a window reaches beyond the new end
   */
  resize(size: FileBytes): void {
    run(this.#file.resize(bytesOf(size, 'size')));
  }

  /**
   * Takes the disk space for a range, so that writing to it cannot fail for lack of space; the file grows if the range
   * reaches beyond its end. On failure the size is as before.
   *
   * @throws MmapError ERR_VGPU_MMAP_NO_SPACE
   */
  reserve(offset: FileBytes, length: FileBytes): void {
    run(this.#reserve(offset, length));
  }

  /** reserve(), off the main thread. */
  reserveAsync(offset: FileBytes, length: FileBytes): Promise<void> {
    return this.#later(() => this.#reserve(offset, length));
  }

  /**
   * Destroys data: the pages wholly inside the range read as zeros and take no disk space.
   *
   * @throws MmapError ERR_VGPU_MMAP_UNSUPPORTED where the file system cannot
   */
  punchHole(offset: FileBytes, length: FileBytes): void {
    run(this.#file.punchHole(this.#range(offset, length)));
  }

  /**
   * Copies a range of the file to another place in it. The two lie inside the file and do not overlap. Takes no disk
   * space and no time where the file system shares blocks (XFS, Btrfs). On failure some of it may have been copied.
   */
  copyWithin(from: FileBytes, to: FileBytes, length: FileBytes): void {
    run(this.#copyWithin(from, to, length));
  }

  /** copyWithin(), off the main thread. */
  copyWithinAsync(
    from: FileBytes,
    to: FileBytes,
    length: FileBytes,
    options: AbortOptions = {},
  ): Promise<void> {
    return this.#later(() => this.#copyWithin(from, to, length), options.signal);
  }

  /**
   * Writes to disk: what windows in the range hold, everything that was written explicitly, the size, and a new file's
   * name survive a power cut once this returns. Does nothing to a file that is open for reading only.
   *
   * @throws MmapError ERR_VGPU_MMAP_POISONED when it fails, and from then on: the system forgets what it could not
   * write, so that asking again would succeed without the data being there
   */
  flush(offset?: FileBytes, length?: FileBytes): void {
    run(this.#file.flush(this.#range(offset, length)));
  }

  /** flush(), off the main thread. What is written meanwhile may or may not be flushed. */
  flushAsync(offset?: FileBytes, length?: FileBytes): Promise<void> {
    return this.#later(() => this.#file.flush(this.#range(offset, length)));
  }

  /**
   * Frees the memory that the range takes, this process's and the page cache's, after writing it back. Nothing is
   * lost; the next access reads from disk. Only pages wholly inside the range, and not those that others use.
   *
   * @throws MmapError ERR_VGPU_MMAP_POISONED when writing back fails; _IO with `errno` EINVAL for pages that are pinned
   */
  discard(offset?: FileBytes, length?: FileBytes): void {
    run(this.#file.discard(this.#range(offset, length)));
  }

  /** discard(), off the main thread. */
  discardAsync(offset?: FileBytes, length?: FileBytes): Promise<void> {
    return this.#later(() => this.#file.discard(this.#range(offset, length)));
  }

  /** Says how windows will be read: those in the range; without a range, all windows, later ones too. */
  advise(advice: Advice, offset?: FileBytes, length?: FileBytes): void {
    checkChoice(advice, ['normal', 'sequential', 'random'], 'advice');
    const everything = offset === undefined && length === undefined;
    this.#file.advise(advice, everything ? undefined : this.#range(offset, length));
  }

  /** Starts to read the range into memory. */
  prefetch(offset?: FileBytes, length?: FileBytes): void {
    run(this.#file.prefetch(this.#range(offset, length)));
  }

  /** Resolves when the range is in memory, off the main thread. */
  prefetchAsync(offset?: FileBytes, length?: FileBytes, options: AbortOptions = {}): Promise<void> {
    return this.#later(() => this.#file.load(this.#range(offset, length)), options.signal);
  }

  /**
   * How much of the range is in the page cache, in whole pages. Of a file that belongs to somebody else and may not be
   * written, Linux says that all of it is. On Windows: how much of it the open windows have in memory.
   */
  residentBytes(offset?: FileBytes, length?: FileBytes): number {
    return run(this.#file.residentBytes(this.#range(offset, length)));
  }

  /**
   * Locks the whole file, or changes the kind of lock, at once or not at all.
   *
   * @throws MmapError ERR_VGPU_MMAP_LOCKED; ERR_VGPU_MMAP_ARGUMENT for an exclusive lock on a file that is open for
   * reading only
   */
  lock(kind: LockKind): void {
    checkLock(kind, this.access, false);
    run(this.#file.lock(kind));
  }

  unlock(): void {
    this.#file.unlock();
  }

  /**
   * Keeps the pages of windows in the range in memory, reading them first, until unpin() or until the window is closed.
   * Needs the right to (RLIMIT_MEMLOCK). In a window of a file that is open for reading only it takes a copy of each.
   */
  pin(offset?: FileBytes, length?: FileBytes): void {
    this.#file.pin(this.#range(offset, length));
  }

  unpin(offset?: FileBytes, length?: FileBytes): void {
    this.#file.unpin(this.#range(offset, length));
  }

  /**
   * Closes the windows, whose arrays get length 0, and the file; the lock goes. It does not flush: changes reach the
   * disk when the system writes them. Operations in flight end first, but nothing new starts. Does nothing the second
   * time, and never throws.
   */
  close(): void {
    this.#file.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #range(offset: FileBytes | undefined, length: FileBytes | undefined) {
    return rangeInside(this.size, this.path, offset, length);
  }

  #reserve(offset: FileBytes, length: FileBytes): Steps<void> {
    return this.#file.reserve({ offset: bytesOf(offset, 'offset'), length: bytesOf(length, 'length') });
  }

  #copyWithin(from: FileBytes, to: FileBytes, length: FileBytes): Steps<void> {
    const source = this.#range(from, length);
    const target = this.#range(to, length);
    if (Math.abs(source.offset - target.offset) < source.length) {
      throw new MmapError(
        'ERR_VGPU_MMAP_ARGUMENT',
        `${source.length} bytes at ${source.offset} and at ${target.offset} overlap`,
        { values: source },
      );
    }
    return this.#file.copyWithin(source.offset, target.offset, source.length);
  }

  /** Errors of the arguments too become a rejection. */
  async #later<T>(start: () => Steps<T>, signal?: AbortSignal): Promise<T> {
    return this.#file.during(runAsync(start(), signal));
  }
}

function checkLock(lock: LockKind | 'none', access: Access, optional: boolean): void {
  checkChoice(lock, optional ? ['shared', 'exclusive', 'none'] : ['shared', 'exclusive'], 'lock');
  if (lock !== 'exclusive' || access === 'read-write') return;
  throw new MmapError('ERR_VGPU_MMAP_ARGUMENT', "an exclusive lock needs access: 'read-write'");
}

function* create(path: string, options: CreateOptions): Steps<OpenFile> {
  const { reserve = true, lock = 'exclusive' } = options;
  const size = bytesOf(options.size, 'size');
  checkLock(lock, 'read-write', true);
  const file = yield* createLocked(path, newFileMode, lock);
  try {
    yield* allocate(file, size, reserve);
    return new OpenFile(file, path, 'read-write', true);
  } catch (error) {
    yield* abandon(path, file);
    throw error;
  }
}

function* open(path: string, options: OpenOptions): Steps<OpenFile> {
  const { access = 'read' } = options;
  const { lock = access === 'read' ? 'shared' : 'exclusive' } = options;
  checkPath(path);
  checkChoice(access, ['read', 'read-write'], 'access');
  checkLock(lock, access, true);
  for (let attempts = 0; attempts < mostAttempts; attempts += 1) {
    const file = yield* openOnce(path, access, lock);
    if (file) return new OpenFile(file, path, access, false);
  }
  throw lockedError(path);
}

/** Nothing when another file took the name before this one was locked. */
function* openOnce(path: string, access: Access, lock: LockKind | 'none') {
  const file = yield* step((async) => native().openFile(async, path, access === 'read-write', true));
  let kept = false;
  try {
    if (!file.isRegular()) {
      throw new MmapError('ERR_VGPU_MMAP_ARGUMENT', `${path} is not a regular file`, { values: { path } });
    }
    if (lock !== 'none') {
      if (!(yield* step((async) => file.tryLock(async, lock === 'exclusive')))) throw lockedError(path);
      kept = yield* standsAt(file, path);
    } else {
      kept = true;
    }
    return kept ? file : undefined;
  } finally {
    if (!kept) file.close();
  }
}
