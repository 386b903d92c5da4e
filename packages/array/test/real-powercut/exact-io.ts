import { readSync, writeSync } from 'node:fs';

/** @throws RangeError where the file ends before */
export function readExactly(file: number, length: number, offset: number): Buffer {
  const bytes = Buffer.alloc(length);
  let done = 0;
  while (done < length) {
    const count = readSync(file, bytes, done, length - done, offset + done);
    if (count === 0) throw new RangeError(`the file ends at ${offset + done}, before ${offset + length}`);
    done += count;
  }
  return bytes;
}

export function writeExactly(file: number, bytes: Uint8Array, offset: number): void {
  let done = 0;
  while (done < bytes.length) done += writeSync(file, bytes, done, bytes.length - done, offset + done);
}
