// Records as lines of JSON in files that do not grow without end.
import { type FileHandle, open, rename } from 'node:fs/promises';
import { ResilienceArgumentError } from '../errors.js';
import type { TelemetrySink } from '../telemetry/channel.js';
import { encodeRecord, type TelemetryRecord } from '../telemetry/record.js';

export interface RotatingFileOptions {
  /** A file that would become larger is put aside. In bytes, at least 1024; 50000000 (50 MB) by default. */
  readonly maximumBytes?: number;
  /** How many files there are at most, the current one included. 1 to 1000; 10 by default. */
  readonly maximumFiles?: number;
}

const lineFeed = 0x0a;

/**
 * Writes each record as one line of JSON. `path` is the current file, `path.1` the one before it, and so on. On a full disk the
 * records that do not fit are dropped, and no half line stays behind; when there is room again, it goes on. One sink, in one
 * process, per path. The folder must exist. `flush` makes what was written survive a power cut.
 */
export class RotatingFileSink implements TelemetrySink {
  readonly name = 'file';
  readonly #path: string;
  readonly #maximumBytes: number;
  readonly #maximumFiles: number;
  #file: FileHandle | undefined;
  #bytes = 0;

  /** Opens nothing yet: the first record does. @throws ResilienceArgumentError for a number out of its range */
  constructor(path: string, options: RotatingFileOptions = {}) {
    this.#path = path;
    this.#maximumBytes = inRange(
      options.maximumBytes ?? 50_000_000,
      'maximumBytes',
      1024,
      Number.MAX_SAFE_INTEGER,
    );
    this.#maximumFiles = inRange(options.maximumFiles ?? 10, 'maximumFiles', 1, 1000);
  }

  /** Rejects where not even the first record could be written, with the system's error. */
  async write(records: readonly TelemetryRecord[]): Promise<number> {
    const lines = records.flatMap((record) => this.#encode(record));
    let kept = 0;
    for (let next = 0; next < lines.length; ) {
      const piece = await this.#fill(lines, next).catch((error: unknown) => {
        if (kept === 0) throw error;
      });
      if (piece === undefined) break;
      const { bytes, end } = piece;
      const complete = await this.#append(bytes, kept === 0);
      kept += complete;
      if (complete < end - next) break;
      next = end;
    }
    return kept;
  }

  async flush(): Promise<void> {
    await this.#file?.datasync();
  }

  async close(): Promise<void> {
    const file = this.#file;
    this.#file = undefined;
    await file?.close();
  }

  /** None for a record that JSON cannot hold, or no file of ours. */
  #encode(record: TelemetryRecord): Buffer[] {
    try {
      const line = Buffer.from(encodeRecord(record));
      return line.length > this.#maximumBytes ? [] : [line];
    } catch {
      return [];
    }
  }

  /** As many lines as fit in the current file, or in a new one where not even the first does. */
  async #fill(lines: readonly Buffer[], start: number): Promise<{ bytes: Buffer; end: number }> {
    await this.#open();
    const first = lines[start]?.length ?? 0;
    if (this.#bytes > 0 && this.#bytes + first > this.#maximumBytes) await this.#rotate();
    let end = start;
    let size = this.#bytes;
    while (end < lines.length && size + (lines[end]?.length ?? 0) <= this.#maximumBytes) {
      size += lines[end]?.length ?? 0;
      end += 1;
    }
    return { bytes: Buffer.concat(lines.slice(start, end)), end };
  }

  async #open(): Promise<FileHandle> {
    if (this.#file !== undefined) return this.#file;
    const file = await open(this.#path, 'a+');
    try {
      this.#bytes = (await file.stat()).size;
      // A crash may have cut the last line short: it must not swallow the first of ours.
      const last = Buffer.alloc(1);
      if (
        this.#bytes > 0 &&
        (await file.read(last, 0, 1, this.#bytes - 1)).bytesRead === 1 &&
        last[0] !== lineFeed
      ) {
        await file.write('\n');
        this.#bytes += 1;
      }
    } catch (error) {
      await file.close();
      throw error;
    }
    this.#file = file;
    return file;
  }

  async #rotate(): Promise<void> {
    await this.close();
    for (let index = this.#maximumFiles - 1; index >= 1; index--) {
      const from = index === 1 ? this.#path : `${this.#path}.${index - 1}`;
      await rename(from, `${this.#path}.${index}`).catch((error: NodeJS.ErrnoException) => {
        if (error.code !== 'ENOENT') throw error;
      });
    }
    const file = await this.#open();
    if (this.#maximumFiles > 1) return;
    await file.truncate(0);
    this.#bytes = 0;
  }

  /** How many whole lines are in the file afterwards. Throws only where there are none and `mayThrow`. */
  async #append(bytes: Buffer, mayThrow: boolean): Promise<number> {
    const file = await this.#open();
    let done = 0;
    try {
      while (done < bytes.length) done += (await file.write(bytes, done)).bytesWritten;
    } catch (error) {
      const whole = bytes.subarray(0, done).lastIndexOf(lineFeed) + 1;
      // Where even that fails, opening it again ends the half line.
      await file.truncate(this.#bytes + whole).catch(() => this.close());
      this.#bytes += whole;
      if (whole === 0 && mayThrow) throw error;
      return linesIn(bytes.subarray(0, whole));
    }
    this.#bytes += done;
    return linesIn(bytes);
  }
}

function linesIn(bytes: Buffer): number {
  let lines = 0;
  for (const byte of bytes) if (byte === lineFeed) lines += 1;
  return lines;
}

function inRange(value: number, name: string, least: number, most: number): number {
  if (Number.isInteger(value) && value >= least && value <= most) return value;
  throw new ResilienceArgumentError(`${name} must be a whole number of ${least} to ${most}, got ${value}`, {
    [name]: value,
  });
}
