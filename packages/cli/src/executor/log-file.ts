import { appendFileSync, renameSync, statSync } from 'node:fs';

/** 10 MiB, and as much again in the file before. */
const MAXIMUM_BYTES = 10 * 1024 * 1024;

/** Appends lines. A file that is full becomes `path.1`, in the place of the one before. */
export class LogFile {
  readonly path: string;
  readonly #maximumBytes: number;

  constructor(path: string, maximumBytes = MAXIMUM_BYTES) {
    this.path = path;
    this.#maximumBytes = maximumBytes;
  }

  /** Never throws: on a full disk the executor goes on, without its log. */
  write(line: string): void {
    try {
      if (this.#size() + Buffer.byteLength(line) + 1 > this.#maximumBytes) {
        renameSync(this.path, `${this.path}.1`);
      }
      appendFileSync(this.path, `${line}\n`, { mode: 0o600 });
    } catch {
      // There is nowhere left to say it.
    }
  }

  #size(): number {
    return statSync(this.path, { throwIfNoEntry: false })?.size ?? 0;
  }
}
