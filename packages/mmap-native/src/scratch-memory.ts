import { bytesOf, checkPath, type FileBytes, rangeInside } from './arguments.js';
import { isMmapError, MmapError } from './errors.js';
import type { AbortOptions } from './mapped-file.js';
import type { MappedWindow } from './mapped-window.js';
import { type NativeFile, native } from './native.js';
import { abandon, allocate, OpenFile } from './open-file.js';
import { absolutePath } from './paths.js';
import { AnonymousBacking, FileBacking, type ScratchBacking } from './scratch-backing.js';
import { cleanSteps } from './stale-files.js';
import { run, runAsync, type Steps, step } from './steps.js';
import { createTemporary } from './temporary-file.js';

export interface ScratchOptions {
  /** Where to keep the contents: a file there, for more than fits into memory. Default: in memory only. */
  readonly directory?: string;
  /** Gives the file a name, where it would have none. Default: false. */
  readonly named?: boolean;
  /** Takes the disk space at once, so that a full disk is an error now and not a fault later. Default: true. */
  readonly reserve?: boolean;
}

const ownerOnly = 0o600;
// In this thread.
const cleanedDirectories = new Set<string>();

/**
 * Memory whose contents are worth nothing after close(); zeros at first.
 *
 * Without a directory it takes memory page by page as it is touched, and may be larger than what the machine has as long
 * as enough is discarded in time. With one it is a file there, which the system writes out when memory is short. The
 * file has no name where the file system can do without (`path` is undefined then), and vanishes with the process
 * whatever happens; else it is named and locked, and what a killed process leaves is removed when the directory is
 * first used again, see cleanStaleFiles().
 * Keep a reference to the object for as long as the file is needed: one that is garbage collected gives up its lock.
 *
 * Offsets and lengths are bytes; without `length` to the end. An object belongs to the thread that made it. Methods
 * throw MmapError: ERR_VGPU_MMAP_CLOSED, _ARGUMENT, _RANGE, _FAULTED (the disk is full or fails, so that zeros stand in
 * for some bytes) and what the system says.
 */
export class ScratchMemory implements Disposable {
  readonly #backing: ScratchBacking;

  private constructor(backing: ScratchBacking) {
    this.#backing = backing;
  }

  /**
   * @param bytes at least 1
   * @throws MmapError ERR_VGPU_MMAP_NO_SPACE, _NOT_FOUND (the directory), _ACCESS; _IO with `errno` ENOMEM
   */
  static create(bytes: FileBytes, options: ScratchOptions = {}): ScratchMemory {
    return new ScratchMemory(run(create(bytes, options)));
  }

  /** create(), off the main thread. */
  static async createAsync(
    bytes: FileBytes,
    options: ScratchOptions & AbortOptions = {},
  ): Promise<ScratchMemory> {
    return new ScratchMemory(await runAsync(create(bytes, options), options.signal));
  }

  /** In bytes. */
  get size(): number {
    return this.#backing.size;
  }

  /** Of the file, if it has a name. */
  get path(): string | undefined {
    return this.#backing.path;
  }

  get closed(): boolean {
    return this.#backing.closed;
  }

  /** Whether zeros stand in for bytes that could not be read or stored. */
  get faulted(): boolean {
    return this.#backing.faulted;
  }

  /** See MappedFile.window(). Windows may overlap: they show the same memory. */
  window(offset: FileBytes, length: FileBytes): MappedWindow {
    return this.#backing.window(this.#range(offset, length));
  }

  /**
   * Gives memory and disk space back: the pages wholly inside the range are zeros afterwards.
   *
   * @throws MmapError ERR_VGPU_MMAP_UNSUPPORTED where the file system cannot
   */
  discard(offset?: FileBytes, length?: FileBytes): void {
    run(this.#backing.discard(this.#range(offset, length)));
  }

  /** discard(), off the main thread. */
  async discardAsync(offset?: FileBytes, length?: FileBytes): Promise<void> {
    return this.#backing.during(runAsync(this.#backing.discard(this.#range(offset, length))));
  }

  /**
   * Gives the memory back and keeps the contents: writes them to the file.
   *
   * @throws MmapError ERR_VGPU_MMAP_UNSUPPORTED without a file
   */
  release(offset?: FileBytes, length?: FileBytes): void {
    run(this.#backing.release(this.#range(offset, length)));
  }

  /** release(), off the main thread. */
  async releaseAsync(offset?: FileBytes, length?: FileBytes): Promise<void> {
    return this.#backing.during(runAsync(this.#backing.release(this.#range(offset, length))));
  }

  /** How much of the range is in memory, in whole pages. */
  residentBytes(offset?: FileBytes, length?: FileBytes): number {
    return run(this.#backing.residentBytes(this.#range(offset, length)));
  }

  /**
   * Closes the windows, whose arrays get length 0, and gives everything back. Does nothing the second time.
   *
   * @throws MmapError when the file has a name that cannot be removed; everything else is closed then
   */
  close(): void {
    this.#backing.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #range(offset: FileBytes | undefined, length: FileBytes | undefined) {
    return rangeInside(this.size, this.path ?? 'the scratch memory', offset, length);
  }
}

function* create(bytes: FileBytes, options: ScratchOptions): Steps<ScratchBacking> {
  const size = bytesOf(bytes, 'bytes');
  if (size === 0) throw new MmapError('ERR_VGPU_MMAP_ARGUMENT', 'bytes is 0');
  const { directory, named = false, reserve = true } = options;
  if (directory === undefined) {
    if (named) throw new MmapError('ERR_VGPU_MMAP_ARGUMENT', 'named needs a directory');
    return AnonymousBacking.create(size);
  }
  checkPath(directory);
  yield* cleanOnce(directory);
  const unnamed = named ? undefined : yield* createUnnamed(directory);
  const { file, path } = unnamed
    ? { file: unnamed, path: undefined }
    : yield* createTemporary(directory, ownerOnly);
  try {
    const { pageSize } = native();
    yield* allocate(file, Math.ceil(size / pageSize) * pageSize, reserve);
    return new FileBacking(new OpenFile(file, path ?? directory, 'read-write', false), size, path);
  } catch (error) {
    if (path === undefined) file.close();
    else yield* abandon(path, file);
    throw error;
  }
}

/** Nothing where the file system cannot. */
function* createUnnamed(directory: string): Steps<NativeFile | undefined> {
  try {
    return yield* step((async) => native().createUnnamedFile(async, directory));
  } catch (error) {
    if (isMmapError(error) && error.code === 'ERR_VGPU_MMAP_UNSUPPORTED') return undefined;
    throw error;
  }
}

function* cleanOnce(directory: string): Steps<void> {
  const key = absolutePath(directory);
  if (cleanedDirectories.has(key)) return;
  yield* cleanSteps(directory, false);
  cleanedDirectories.add(key);
}
