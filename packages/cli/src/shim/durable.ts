// Files and names that outlive a power cut.
import {
  closeSync,
  fchmodSync,
  fchownSync,
  fsyncSync,
  futimesSync,
  lstatSync,
  openSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  type Stats,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname } from 'node:path';
import { TEMPORARY_SUFFIX } from './layout.js';

interface Attributes {
  readonly mode: number;
  /** Whose owner it gets. */
  readonly owner?: Stats | undefined;
  /** Whose times it gets. */
  readonly times?: Stats;
}

export function writeDurably(
  path: string,
  bytes: Uint8Array | string,
  { mode, owner, times }: Attributes,
): void {
  const file = openSync(path, 'wx', 0o600);
  try {
    writeFileSync(file, bytes);
    // The owner first: changing it takes away setuid bits.
    if (owner) fchownSync(file, owner.uid, owner.gid);
    fchmodSync(file, mode & 0o7777);
    // Numbers: the dates are rounded, maybe up to another second.
    if (times) futimesSync(file, times.atimeMs / 1000, times.mtimeMs / 1000);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}

export function flushFolder(path: string): void {
  const folder = openSync(path, 'r');
  try {
    fsyncSync(folder);
  } finally {
    closeSync(folder);
  }
}

/** A copy of a file or symbolic link, with mode, owner and times. */
export function copyDurably(path: string, copy: string): void {
  const status = lstatSync(path);
  if (status.isSymbolicLink()) symlinkSync(readlinkSync(path), copy);
  else writeDurably(copy, readFileSync(path), { mode: status.mode, owner: status, times: status });
  flushFolder(dirname(copy));
}

/** Lets `make` make something under another name, and gives it this one. */
export function replaceByRename(path: string, make: (temporary: string) => void): void {
  const temporary = path + TEMPORARY_SUFFIX;
  rmSync(temporary, { recursive: true, force: true });
  make(temporary);
  renameSync(temporary, path);
  flushFolder(dirname(path));
}
