// Which chunks of a payload may have changed, so that a commit looks at no others.

export class TouchedChunks {
  readonly #chunkBytes: number;
  readonly #touched: Uint8Array;

  constructor(chunkBytes: number, chunks: number) {
    this.#chunkBytes = chunkBytes;
    this.#touched = new Uint8Array(chunks);
  }

  mark(offset: number, length: number): void {
    if (length === 0) return;
    const first = Math.floor(offset / this.#chunkBytes);
    const last = Math.floor((offset + length - 1) / this.#chunkBytes);
    if (first === last) this.#touched[first] = 1;
    else this.#touched.fill(1, first, last + 1);
  }

  markAll(): void {
    this.#touched.fill(1);
  }

  /** In rising order. */
  indices(): number[] {
    const result: number[] = [];
    for (const [index, touched] of this.#touched.entries()) if (touched === 1) result.push(index);
    return result;
  }
}
