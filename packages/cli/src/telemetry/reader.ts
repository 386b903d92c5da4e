// The telemetry of all processes: their files, what was put aside included, as they grow.
import { closeSync, constants, fstatSync, openSync, readdirSync, readSync } from 'node:fs';
import { join } from 'node:path';
import { AnomalyDetector, parseRecord, type TelemetryRecord } from '@vgpu/resilience';
import { CliError } from '../errors.js';

/** A record, and where it comes from. */
export interface Entry {
  readonly record: TelemetryRecord;
  /** The file's name without what rotation adds: program and process. */
  readonly session: string;
  readonly processId: number | undefined;
  /** What the record says; where it says nothing, how the run compares with those before it, see `AnomalyDetector.judge()`. */
  readonly isAnomaly: boolean;
}

interface ReaderOptions {
  /** So many bytes at the end of each file are enough. */
  readonly tailBytes?: number;
  /** Files that were not written to since then are left out. In milliseconds since 1970. */
  readonly since?: number | undefined;
}

interface Position {
  offset: number;
  /** A line that has no end yet. */
  rest: Buffer;
  /** The file was begun in the middle: what comes first is part of a line. */
  partial: boolean;
}

const telemetryFile = /^((?:.*-(\d+))|.+?)\.jsonl(?:\.(\d+))?$/;
const pieceBytes = 256 * 1024;
/** Longer ones are no records; the sink cuts none, and a megabyte is far beyond any. */
const mostLineBytes = 2 ** 20;

/** Remembers how far it has read each file, whatever name that has by now. */
export class TelemetryReader {
  /** Lines that are no records: cut short by a crash, or of another program. */
  brokenLines = 0;
  readonly #folder: string;
  readonly #options: ReaderOptions;
  readonly #positions = new Map<string, Position>();
  readonly #detectors = new Map<string, AnomalyDetector>();

  constructor(folder: string, options: ReaderOptions = {}) {
    this.#folder = folder;
    this.#options = options;
  }

  /** Hands over what is new since the last call, file by file, of each process the oldest first. */
  read(onEntry: (entry: Entry) => void): void {
    for (const { name, session, processId } of this.#files()) {
      this.#readFile(join(this.#folder, name), (line) =>
        this.#handOver(line, { session, processId }, onEntry),
      );
    }
  }

  /** Those that were put aside before the current one. */
  #files() {
    let names: string[];
    try {
      names = readdirSync(this.#folder);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
      throw new CliError('ERR_VGPU_FILE_ACCESS', `cannot read ${this.#folder}`, { cause: error });
    }
    return names
      .flatMap((name) => {
        const [, session, pid, age = '0'] = telemetryFile.exec(name) ?? [];
        if (session === undefined) return [];
        return [{ name, session, processId: pid === undefined ? undefined : Number(pid), age: Number(age) }];
      })
      .sort((a, b) => (a.session === b.session ? b.age - a.age : a.session < b.session ? -1 : 1));
  }

  #readFile(path: string, onLine: (line: string) => void): void {
    let file: number;
    try {
      // Of what is no file, opening might wait for ever, and reading never end.
      file = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
    } catch (error) {
      // Put aside or removed in between: it is read under its new name next time.
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return;
      throw new CliError('ERR_VGPU_FILE_ACCESS', `cannot read ${path}`, { cause: error });
    }
    try {
      const status = fstatSync(file);
      if (!status.isFile()) return;
      const { ino, dev, size, mtimeMs } = status;
      const key = `${dev}:${ino}`;
      const { since } = this.#options;
      if (!this.#positions.has(key) && since !== undefined && mtimeMs < since) return;
      const position = this.#positionOf(key, size);
      const piece = Buffer.alloc(pieceBytes);
      for (;;) {
        const length = readSync(file, piece, 0, piece.length, position.offset);
        if (length === 0) return;
        position.offset += length;
        this.#split(position, piece.subarray(0, length), onLine);
      }
    } finally {
      closeSync(file);
    }
  }

  #positionOf(key: string, size: number): Position {
    const { tailBytes = Number.POSITIVE_INFINITY } = this.#options;
    const known = this.#positions.get(key);
    // A file that became shorter is another one with the old one's number.
    if (known !== undefined && known.offset <= size) return known;
    const offset = Math.max(0, size - tailBytes);
    const position = { offset, rest: Buffer.alloc(0), partial: offset > 0 };
    this.#positions.set(key, position);
    return position;
  }

  #split(position: Position, bytes: Buffer, onLine: (line: string) => void): void {
    let start = 0;
    for (let end = bytes.indexOf(10); end >= 0; end = bytes.indexOf(10, start)) {
      const line = Buffer.concat([position.rest, bytes.subarray(start, end)]);
      position.rest = Buffer.alloc(0);
      start = end + 1;
      if (position.partial) position.partial = false;
      else if (line.length > 0) onLine(line.toString('utf8'));
    }
    position.rest = Buffer.concat([position.rest, bytes.subarray(start)]);
    if (position.rest.length <= mostLineBytes) return;
    if (!position.partial) this.brokenLines += 1;
    position.rest = Buffer.alloc(0);
    position.partial = true;
  }

  #handOver(
    line: string,
    source: Pick<Entry, 'session' | 'processId'>,
    onEntry: (entry: Entry) => void,
  ): void {
    let record: TelemetryRecord;
    try {
      record = parseRecord(line);
    } catch {
      this.brokenLines += 1;
      return;
    }
    onEntry({ ...source, record, isAnomaly: this.#isAnomaly(source.session, record) });
  }

  #isAnomaly(session: string, record: TelemetryRecord): boolean {
    const detector = this.#detectors.get(session) ?? new AnomalyDetector();
    this.#detectors.set(session, detector);
    return detector.judge(record) ?? false;
  }
}
