// Changes of files, each written into the journal before it is made.
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  readlinkSync,
  statSync,
  symlinkSync,
} from 'node:fs';
import { dirname } from 'node:path';
import { copyDurably, flushFolder, replaceByRename, writeDurably } from './durable.js';
import { checksumOf, type Journal, type JournalRecord } from './journal.js';
import type { SystemRoot } from './root.js';

/** Paths are those inside the root. */
export class Changes {
  readonly #root: SystemRoot;
  readonly #journal: Journal;

  constructor(root: SystemRoot, journal: Journal) {
    this.#root = root;
    this.#journal = journal;
  }

  /** Writes down what will have to be done again after undoing, before it is done. */
  note(record: JournalRecord): void {
    this.#journal.append(record);
  }

  /** Makes the folder, and those above it, where they are missing. */
  makeFolder(path: string): void {
    const outside = this.#root.at(path);
    if (existsSync(outside)) return;
    // Undoing must not take away what others have made.
    if (isLink(outside)) throw new Error(`${path} is a symbolic link to nothing`);
    this.makeFolder(dirname(path));
    this.#journal.append(['create', path]);
    mkdirSync(outside);
    // Whatever the umask of the caller: every process must be able to read the library.
    chmodSync(outside, 0o755);
    flushFolder(dirname(outside));
  }

  /** A folder that belongs to us alone, whole or absent. */
  placeTree(path: string, fill: (folder: string) => void): void {
    this.makeFolder(dirname(path));
    this.#journal.append(['tree', path]);
    replaceByRename(this.#root.at(path), (temporary) => {
      mkdirSync(temporary);
      chmodSync(temporary, 0o755);
      fill(temporary);
      flushFolder(temporary);
    });
  }

  /** Mode and owner of what is there stay. */
  placeFile(path: string, text: string): void {
    const outside = this.#root.at(path);
    if (isFile(outside) && readFileSync(outside, 'utf8') === text) return;
    this.makeFolder(dirname(path));
    this.#announce(path, '', checksumOf(text));
    const like = statSync(outside, { throwIfNoEntry: false });
    replaceByRename(outside, (temporary) =>
      writeDurably(temporary, text, { mode: like?.mode ?? 0o644, owner: like }),
    );
  }

  placeLink(path: string, target: string): void {
    const outside = this.#root.at(path);
    if (isLink(outside) && readlinkSync(outside) === target) return;
    this.makeFolder(dirname(path));
    this.#announce(path);
    replaceByRename(outside, (temporary) => symlinkSync(target, temporary));
  }

  /** Puts `entry` behind what is in a list of libraries; mode, owner and the other lines stay. */
  addEntry(path: string, entry: string): void {
    const outside = this.#root.at(path);
    const like = statSync(outside, { throwIfNoEntry: false });
    // Names of files are bytes: each stays what it is.
    const before = like ? readFileSync(outside, 'latin1') : '';
    const separator = before === '' || before.endsWith('\n') ? '' : '\n';
    const text = Buffer.from(`${before}${separator}${entry}\n`, 'latin1');
    this.#announce(path, entry);
    replaceByRename(outside, (temporary) =>
      writeDurably(temporary, text, { mode: like?.mode ?? 0o644, owner: like }),
    );
  }

  /** @param words our entry of a list; or none, and the checksum of what is written */
  #announce(path: string, ...words: [] | [entry: string] | [entry: '', checksum: string]): void {
    const outside = this.#root.at(path);
    if (!lstatSync(outside, { throwIfNoEntry: false })) {
      this.#journal.append(words.length === 0 ? ['create', path] : ['create', path, '', ...words]);
      return;
    }
    const copy = this.#journal.nextCopy(this.#root);
    copyDurably(outside, copy.path);
    this.#journal.append(['replace', path, String(copy.number), ...words]);
  }
}

function isFile(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false })?.isFile() ?? false;
}

function isLink(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink() ?? false;
}
