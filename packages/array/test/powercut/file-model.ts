// One file between its last flush and a power cut: what each sector and the size may turn out to be.

/** What a disk writes whole or not at all. */
export const diskSectorBytes = 512;
/** The same for memory that keeps its contents, which has no sectors: a line of the processor's cache. */
export const cacheLineBytes = 64;

/** How much of a file's unflushed changes reached the disk. Index 0 stands for what was flushed. */
export interface FileChoice {
  readonly size: number;
  /** By sector; a sector that is absent is as flushed. */
  readonly sectors: ReadonlyMap<number, number>;
}

export class FileModel {
  #content: Uint8Array;
  #size: number;
  #durable: Uint8Array;
  /** The flushed size and every size since. */
  #sizes: number[];
  /** For each sector changed since the flush everything that it held since, oldest first. */
  readonly #pending = new Map<number, Uint8Array[]>();
  readonly #sectorBytes: number;

  constructor(content: Uint8Array = new Uint8Array(), sectorBytes = diskSectorBytes) {
    this.#sectorBytes = sectorBytes;
    // A Buffer's slice() would share its bytes.
    this.#content = new Uint8Array(content);
    this.#durable = new Uint8Array(content);
    this.#size = content.length;
    this.#sizes = [content.length];
  }

  get sizes(): readonly number[] {
    return this.#sizes;
  }

  get pending(): ReadonlyMap<number, readonly Uint8Array[]> {
    return this.#pending;
  }

  current(): Uint8Array {
    return this.#content.slice(0, this.#size);
  }

  write(offset: number, bytes: Uint8Array): void {
    const end = offset + bytes.length;
    this.#reach(end);
    this.#content.set(bytes, offset);
    this.#changed(offset, end);
    if (end > this.#size) this.#resized(end);
  }

  resize(size: number): void {
    this.#reach(size);
    // What was cut off reads as zero when the file grows again.
    if (size < this.#size) this.punch(size, this.#size - size);
    if (size !== this.#size) this.#resized(size);
  }

  punch(offset: number, length: number): void {
    const end = Math.min(offset + length, this.#size);
    if (offset >= end) return;
    this.#content.fill(0, offset, end);
    this.#changed(offset, end);
  }

  /** The size is part of it: without it what was written could not be found again. */
  flush(offset = 0, length = Number.POSITIVE_INFINITY): void {
    for (const [sector, versions] of this.#pending) {
      const start = sector * this.#sectorBytes;
      if (start + this.#sectorBytes <= offset || start >= offset + length) continue;
      this.#store(this.#durableBytes(start + this.#sectorBytes), sector, versions.at(-1));
      this.#pending.delete(sector);
    }
    this.#sizes = [this.#size];
  }

  /** The file after a power cut. */
  after({ size, sectors }: FileChoice): Uint8Array {
    const length = this.#sizes[size] ?? this.#size;
    const bytes = new Uint8Array(length);
    bytes.set(this.#durable.subarray(0, length));
    for (const [sector, version] of sectors) {
      this.#store(bytes, sector, this.#pending.get(sector)?.[version - 1]);
    }
    return bytes;
  }

  #store(target: Uint8Array, sector: number, content: Uint8Array | undefined): void {
    const start = sector * this.#sectorBytes;
    if (content !== undefined && start < target.length)
      target.set(content.subarray(0, target.length - start), start);
  }

  #changed(offset: number, end: number): void {
    const last = Math.ceil(end / this.#sectorBytes);
    for (let sector = Math.floor(offset / this.#sectorBytes); sector < last; sector++) {
      const content = new Uint8Array(this.#sectorBytes);
      content.set(this.#content.subarray(sector * this.#sectorBytes, (sector + 1) * this.#sectorBytes));
      const versions = this.#pending.get(sector);
      const before = versions?.at(-1) ?? this.#durableSector(sector);
      if (Buffer.compare(before, content) === 0) continue;
      if (versions === undefined) this.#pending.set(sector, [content]);
      else versions.push(content);
    }
  }

  #resized(size: number): void {
    this.#size = size;
    if (!this.#sizes.includes(size)) this.#sizes.push(size);
  }

  /** Makes room; what lies behind the end is zero. */
  #reach(end: number): void {
    this.#content = grown(this.#content, end);
  }

  #durableSector(sector: number): Uint8Array {
    const start = sector * this.#sectorBytes;
    return this.#durableBytes(start + this.#sectorBytes).subarray(start, start + this.#sectorBytes);
  }

  #durableBytes(end: number): Uint8Array {
    this.#durable = grown(this.#durable, end);
    return this.#durable;
  }
}

function grown(bytes: Uint8Array, length: number): Uint8Array {
  if (bytes.length >= length) return bytes;
  const larger = new Uint8Array(Math.ceil(length * 1.5));
  larger.set(bytes);
  return larger;
}
