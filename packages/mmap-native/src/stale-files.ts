import { checkPath } from './arguments.js';
import { isMmapError, type MmapError } from './errors.js';
import type { AbortOptions } from './mapped-file.js';
import { type NativeFile, native } from './native.js';
import { standsAt } from './open-file.js';
import { pathIn } from './paths.js';
import { run, runAsync, type Steps, step } from './steps.js';
import { temporaryName } from './temporary-file.js';

export interface CleanOptions {
  /** Only says what would be removed. Default: false. */
  readonly dryRun?: boolean;
}

/** A temporary file of this package. */
export interface StaleFile {
  readonly path: string;
  /** Its size. */
  readonly bytes: number;
  /** Of the process that made it. */
  readonly pid: number;
  readonly removed: boolean;
  /** Why it was not removed. */
  readonly reason?: 'in-use' | 'dry-run' | 'failed';
  /** What failed. */
  readonly error?: MmapError;
}

/**
 * Removes the temporary files that processes left behind which did not live to do it: killed, or gone with the power.
 *
 * Only regular files named `vgpu-<pid>-<16 hex digits>.tmp` in this very directory, links not followed, and only once
 * their lock could be taken, which their owner holds for as long as it lives. The lock, not the number in the name, tells
 * whether it does. Costs a few system calls for each such name. Files that cannot be removed are in the result, with
 * the reason; others that clean up at the same time do no harm.
 *
 * @throws MmapError ERR_VGPU_MMAP_NOT_FOUND or _ACCESS when the directory cannot be read
 */
export function cleanStaleFiles(directory: string, options: CleanOptions = {}): StaleFile[] {
  return run(cleanSteps(directory, options.dryRun ?? false));
}

/** cleanStaleFiles(), off the main thread. */
export function cleanStaleFilesAsync(
  directory: string,
  options: CleanOptions & AbortOptions = {},
): Promise<StaleFile[]> {
  return runAsync(cleanSteps(directory, options.dryRun ?? false), options.signal);
}

export function* cleanSteps(directory: string, dryRun: boolean): Steps<StaleFile[]> {
  checkPath(directory);
  const names = yield* step((async) => native().listDirectory(async, directory));
  const files: StaleFile[] = [];
  for (const name of names.sort()) {
    const pid = temporaryName.exec(name)?.[1];
    if (pid === undefined) continue;
    const result = yield* cleanFile(pathIn(directory, name), Number(pid), dryRun);
    if (result) files.push(result);
  }
  return files;
}

/** Nothing for what is not a regular file, and for what vanished meanwhile. */
function* cleanFile(path: string, pid: number, dryRun: boolean): Steps<StaleFile | undefined> {
  let bytes = 0;
  let file: NativeFile | undefined;
  try {
    file = yield* step((async) => native().openFile(async, path, true, false));
    if (!file.isRegular()) return undefined;
    bytes = file.size();
    const kept = { path, bytes, pid, removed: false };
    if (!(yield* step((async) => file?.tryLock(async, true) ?? false))) return { ...kept, reason: 'in-use' };
    if (!(yield* standsAt(file, path))) return undefined;
    if (dryRun) return { ...kept, reason: 'dry-run' };
    yield* step((async) => native().removeFile(async, path));
    return { path, bytes, pid, removed: true };
  } catch (error) {
    if (!isMmapError(error) || error.code === 'ERR_VGPU_MMAP_ABORTED') throw error;
    if (error.code === 'ERR_VGPU_MMAP_NOT_FOUND' || isRefusedLink(error)) return undefined;
    // On Windows a file can be open in a way that keeps everybody else out.
    if (error.code === 'ERR_VGPU_MMAP_LOCKED') return { path, bytes, pid, removed: false, reason: 'in-use' };
    return { path, bytes, pid, removed: false, reason: 'failed', error };
  } finally {
    file?.close();
  }
}

function isRefusedLink(error: MmapError): boolean {
  return ['ELOOP', 'ERROR_CANT_RESOLVE_FILENAME'].includes(String(error.values.errno));
}
