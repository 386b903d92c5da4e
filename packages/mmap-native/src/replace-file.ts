import { dirname } from 'node:path';
import { bytesOf, checkPath, type FileBytes } from './arguments.js';
import { isMmapError, MmapError } from './errors.js';
import { type AbortOptions, type MappedFile, wrap } from './mapped-file.js';
import { native } from './native.js';
import { abandon, allocate, OpenFile } from './open-file.js';
import { absolutePath } from './paths.js';
import { run, runAsync, type Steps, step } from './steps.js';
import { createTemporary } from './temporary-file.js';

export interface ReplaceOptions {
  /** Of the new file, in bytes; `write` may change it. */
  readonly size: FileBytes;
  /** Takes the disk space before `write` is called. Default: true. */
  readonly reserve?: boolean;
  /** Permission bits. Default: those of the file that is replaced, else 0o666 less the umask. */
  readonly mode?: number;
}

const ownerOnly = 0o600;
const newFileMode = 0o666;

/**
 * Gives a path new contents, whole or not at all: whoever opens it, and a power cut, find the old file or the new one,
 * never less. Once this returns it is the new one for good.
 *
 * `write` fills a temporary file in the same directory (`vgpu-<pid>-<16 hex digits>.tmp`), which is flushed, takes the
 * place of `path` and is closed. On any failure, also one that `write` throws, the temporary file is gone and `path`
 * untouched; only when the very last step fails, flushing the directory, the new file is there and may not survive
 * a power cut. Of a symbolic link the target is replaced. Owner, ACLs and extended attributes are those of a new file.
 *
 * @throws MmapError ERR_VGPU_MMAP_NOT_FOUND (the directory), _ACCESS, _NO_SPACE, _POISONED (the flush failed), _IO
 */
export function replaceFile(path: string, write: (file: MappedFile) => void, options: ReplaceOptions): void {
  run(
    replace(path, options, (file) => {
      if (isThenable(write(file))) {
        throw new MmapError('ERR_VGPU_MMAP_ARGUMENT', 'write returned a promise', {
          remedy: 'Use replaceFileAsync.',
        });
      }
    }),
  );
}

/** replaceFile(), off the main thread but for `write`, which may be asynchronous. */
export function replaceFileAsync(
  path: string,
  write: (file: MappedFile) => void | Promise<void>,
  options: ReplaceOptions & AbortOptions,
): Promise<void> {
  return runAsync(replace(path, options, write), options.signal);
}

function* replace(
  path: string,
  options: ReplaceOptions,
  write: (file: MappedFile) => void | Promise<void>,
): Steps<void> {
  const size = bytesOf(options.size, 'size');
  checkPath(path);
  const target = yield* step((async) => native().resolveLink(async, absolutePath(path)));
  const directory = dirname(target);
  const mode = options.mode ?? (yield* modeOf(target));

  // Nobody may open the temporary file who may not open the result.
  const temporary = yield* createTemporary(directory, mode === undefined ? newFileMode : ownerOnly);
  const { file } = temporary;
  const open = new OpenFile(file, temporary.path, 'read-write', false);
  try {
    if (mode !== undefined) yield* step((async) => file.setMode(async, mode));
    yield* allocate(file, size, options.reserve ?? true);
    yield* step(() => write(wrap(open)));
    yield* open.flush({ offset: 0, length: Number.MAX_SAFE_INTEGER });
    yield* step((async) => native().replace(async, temporary.path, target));
  } catch (error) {
    yield* abandon(temporary.path, file);
    open.close();
    throw error;
  }
  open.close();
  yield* step((async) => native().flushDirectory(async, directory));
}

/** Nothing when there is no such file. */
function* modeOf(path: string): Steps<number | undefined> {
  try {
    return yield* step((async) => native().modeOf(async, path));
  } catch (error) {
    if (isMmapError(error) && error.code === 'ERR_VGPU_MMAP_NOT_FOUND') return undefined;
    throw error;
  }
}

function isThenable(value: unknown): boolean {
  return typeof value === 'object' && value !== null && 'then' in value;
}
