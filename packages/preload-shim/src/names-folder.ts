// Packages on npm cannot hold links, and a copy of the library under another name would be a second library to the loader:
// the links are made where the library lies, when they are first needed.
import { createHash } from 'node:crypto';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
} from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { GuestError } from './errors.js';

/** The names under which programs look for CUDA's libraries. */
export const LIBRARY_NAMES: readonly string[] = [
  ...['libcuda.so', 'libcuda.so.1', 'libcudart.so', 'libcudart.so.12', 'libcudart.so.13'],
  ...['libcublas.so', 'libcublas.so.12', 'libcublas.so.13', 'libnvidia-ml.so.1'],
];

/**
 * A folder in which `library` has all names: `name` beside it, or one in the user's cache where nothing can be written
 * there.
 * @throws GuestError ERR_VGPU_GUEST_NAMES
 */
export function namesFolder(library: string, name: string): string {
  const digest = createHash('sha256').update(library).digest('hex').slice(0, 16);
  const cache = process.env.XDG_CACHE_HOME || join(homedir(), '.cache');
  const folders = [join(dirname(library), name), join(cache, 'vgpu', `names-${digest}`)];
  const complete = folders.find((folder) => isComplete(folder, library));
  if (complete) return complete;
  const failures: unknown[] = [];
  for (const folder of folders) {
    try {
      makeLinks(folder, library);
      return folder;
    } catch (error) {
      failures.push(error);
    }
  }
  throw new GuestError(
    'ERR_VGPU_GUEST_NAMES',
    `no folder for the names of ${library}: ${failures.map((error) => (error instanceof Error ? error.message : error)).join('; ')}`,
    {
      remedy: 'Set XDG_CACHE_HOME to a folder that can be written.',
      cause: failures[0],
    },
  );
}

function isComplete(folder: string, library: string): boolean {
  const { dev, ino } = statSync(library);
  try {
    return LIBRARY_NAMES.map((name) => statSync(join(folder, name))).every(
      (link) => link.dev === dev && link.ino === ino,
    );
  } catch {
    return false;
  }
}

/** Whoever looks meanwhile sees all links or none. */
function makeLinks(folder: string, library: string): void {
  mkdirSync(dirname(folder), { recursive: true });
  const partial = mkdtempSync(`${folder}.`);
  try {
    for (const name of LIBRARY_NAMES) symlinkSync(library, join(partial, name));
    chmodSync(partial, 0o755);
    putInPlace(partial, folder, library);
  } finally {
    rmSync(partial, { recursive: true, force: true });
  }
}

/** Of two processes that do this at once, the second finds the first one's links. */
function putInPlace(partial: string, folder: string, library: string): void {
  try {
    renameSync(partial, folder);
  } catch (error) {
    if (isComplete(folder, library)) return;
    if (!existsSync(folder)) throw error;
    // Of another version, or not whole.
    rmSync(folder, { recursive: true, force: true });
    renameSync(partial, folder);
  }
}
