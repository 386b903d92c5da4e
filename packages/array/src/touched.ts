// Which chunks of a payload may have changed, so that a commit looks at no others.

export class TouchedChunks {
  readonly #chunkBytes: number;
  readonly #touched: Uint8Array;
  #changed = false;

  constructor(chunkBytes: number, chunks: number) {
    this.#chunkBytes = chunkBytes;
    this.#touched = new Uint8Array(chunks);
  }

  /** Whether any byte may have changed. */
  get changed(): boolean {
    return this.#changed;
  }

  mark(offset: number, length: number): void {
    if (length === 0) return;
    this.#changed = true;
    const first = Math.floor(offset / this.#chunkBytes);
    const last = Math.floor((offset + length - 1) / this.#chunkBytes);
    if (first === last) this.#touched[first] = 1;
    else this.#touched.fill(1, first, last + 1);
  }

  /** For a payload whose checksum is not known: nothing changes, but everything must be read. */
  includeAll(): void {
    this.#touched.fill(1);
  }

  /** In rising order. */
  indices(): number[] {
    const result: number[] = [];
    for (const [index, touched] of this.#touched.entries()) if (touched === 1) result.push(index);
    return result;
  }
}
