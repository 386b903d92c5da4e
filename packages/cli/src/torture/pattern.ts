// What is written into scratch memory, so that a page that is lost, stale or from elsewhere is noticed.

export const patternPageBytes = 4096;
const stampBytes = 8;

/** Every page holds the same noise behind a stamp of its own: which chunk, which page. */
export class Pattern {
  readonly #page = Buffer.alloc(patternPageBytes);

  constructor(seed: number) {
    // xorshift32 (Marsaglia 2003); any fixed noise does.
    let state = seed | 1;
    for (let offset = 0; offset < patternPageBytes; offset += 4) {
      state ^= state << 13;
      state ^= state >>> 17;
      state ^= state << 5;
      this.#page.writeInt32LE(state | 0, offset);
    }
  }

  /** `bytes` has whole pages. */
  write(bytes: Uint8Array, chunk: number): void {
    for (let offset = 0; offset < bytes.length; offset += patternPageBytes) {
      this.#page.writeUInt32LE(chunk, 0);
      this.#page.writeUInt32LE(offset / patternPageBytes, 4);
      bytes.set(this.#page, offset);
    }
  }

  /** How many pages differ from what `write` put there. */
  countWrong(bytes: Uint8Array, chunk: number): number {
    const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
    let wrong = 0;
    for (let offset = 0; offset < bytes.length; offset += patternPageBytes) {
      const right =
        buffer.readUInt32LE(offset) === chunk &&
        buffer.readUInt32LE(offset + 4) === offset / patternPageBytes &&
        buffer.compare(
          this.#page,
          stampBytes,
          patternPageBytes,
          offset + stampBytes,
          offset + patternPageBytes,
        ) === 0;
      if (!right) wrong++;
    }
    return wrong;
  }
}
