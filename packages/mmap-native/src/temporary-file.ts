// Names of files that are worth nothing once their owner is gone. A lock tells whether it is.
import { randomBytes } from 'node:crypto';
import { isMmapError, MmapError } from './errors.js';
import { type NativeFile, native } from './native.js';
import { abandon, createLocked, standsAt } from './open-file.js';
import { absolutePath, pathIn } from './paths.js';
import type { Steps } from './steps.js';

/** Matches the names that cleanStaleFiles() may remove; the first group is the process id of the owner. */
export const temporaryName = /^vgpu-(\d+)-[0-9a-f]{16}\.tmp$/;

const mostAttempts = 100;

export interface TemporaryFile {
  readonly file: NativeFile;
  readonly path: string;
}

/** A new file in the directory, locked. */
export function* createTemporary(directory: string, mode: number): Steps<TemporaryFile> {
  for (let attempts = 0; attempts < mostAttempts; attempts += 1) {
    const name = `vgpu-${native().processId}-${randomBytes(8).toString('hex')}.tmp`;
    const path = pathIn(absolutePath(directory), name);
    const file = yield* tryCreate(path, mode);
    if (file) return { file, path };
  }
  throw new MmapError('ERR_VGPU_MMAP_EXISTS', `no free name for a temporary file in ${directory}`, {
    values: { path: directory },
  });
}

/** Nothing when the name is taken, or when somebody who cleans up came between creating and locking. */
function* tryCreate(path: string, mode: number): Steps<NativeFile | undefined> {
  try {
    const file = yield* createLocked(path, mode, 'exclusive');
    if (yield* stillStandsAt(file, path)) return file;
    file.close();
  } catch (error) {
    const lost = isMmapError(error) && ['ERR_VGPU_MMAP_EXISTS', 'ERR_VGPU_MMAP_LOCKED'].includes(error.code);
    if (!lost) throw error;
  }
  return undefined;
}

/** Whatever ends the question, an abort above all, must not leave the file behind. */
function* stillStandsAt(file: NativeFile, path: string): Steps<boolean> {
  try {
    return yield* standsAt(file, path);
  } catch (error) {
    yield* abandon(path, file);
    throw error;
  }
}
