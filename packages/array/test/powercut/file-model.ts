// One file between its last flush and a power cut: what each sector and the size may turn out to be.

/** What a disk writes whole or not at all. */
export const sectorBytes = 512;

const zeros = new Uint8Array(sectorBytes);

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

  constructor(content: Uint8Array = new Uint8Array()) {
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
      const start = sector * sectorBytes;
      if (start + sectorBytes <= offset || start >= offset + length) continue;
      this.#store(this.#durableBytes(start + sectorBytes), sector, versions.at(-1) ?? zeros);
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
      const content = this.#pending.get(sector)?.[version - 1];
      if (content !== undefined) this.#store(bytes, sector, content);
    }
    return bytes;
  }

  #store(target: Uint8Array, sector: number, content: Uint8Array): void {
    const start = sector * sectorBytes;
    if (start < target.length) target.set(content.subarray(0, target.length - start), start);
  }

  #changed(offset: number, end: number): void {
    const last = Math.ceil(end / sectorBytes);
    for (let sector = Math.floor(offset / sectorBytes); sector < last; sector++) {
      const content = zeros.slice();
      content.set(this.#content.subarray(sector * sectorBytes, (sector + 1) * sectorBytes));
      const versions = this.#pending.get(sector);
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
