import { execFileSync, spawnSync } from 'node:child_process';
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { headersFirst, headersLast } from '../src/headers-last.mjs';

const program = join(import.meta.dirname, '../bin/headers-last.mjs');
const PLACE = 32;
let folder: string;
let library: string;
let libraryAsLinked: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'vgpu-headers-'));
  library = join(folder, 'library.so');
  writeFileSync(join(folder, 'library.c'), 'int zeros[100000]; int answer(void) { return 42 + zeros[9]; }\n');
  writeFileSync(join(folder, 'main.c'), 'int answer(void); int main(void) { return answer(); }\n');
  const cc = (...words: string[]) => execFileSync(process.env.CC ?? 'cc', words, { cwd: folder });
  // Nothing behind what is mapped: the last page goes on in memory, with zeros.
  cc('-shared', '-fPIC', '-s', '-o', library, 'library.c');
  cc('-o', 'main', 'main.c', library);
  libraryAsLinked = join(folder, 'as-linked.so');
  copyFileSync(library, libraryAsLinked);
});

afterAll(() => rmSync(folder, { recursive: true }));

const run = () => spawnSync(join(folder, 'main'), { encoding: 'utf8' });

describe('headers-last', () => {
  it('leaves a library that works, and that is refused when a byte is missing', () => {
    expect(run().status).toBe(42);
    const before = readFileSync(library);
    expect(spawnSync(process.execPath, [program, library]).status).toBe(0);
    const after = readFileSync(library);
    const place = Number(after.readBigUInt64LE(PLACE));
    expect(place).toBeGreaterThanOrEqual(before.length);
    expect(place % 4096).toBe(0);
    expect(after.length).toBe(place + after.readUInt16LE(54) * after.readUInt16LE(56));
    expect(run().status).toBe(42);
    for (const length of [after.length - 1, place + 1, place, before.length, 4096]) {
      writeFileSync(library, after.subarray(0, length));
      expect(run(), `${length} bytes`).toMatchObject({
        status: 127,
        stderr: expect.stringContaining('cannot read file data'),
      });
    }
    writeFileSync(library, after);
  });

  it('keeps them out of the pages that are mapped, of whatever size', () => {
    const file = readFileSync(library);
    const first = Number(file.readBigUInt64LE(PLACE));
    // As for aarch64: pages of 64 KiB.
    file.writeBigUInt64LE(65536n, first + 48);
    expect(Number(headersLast(file).readBigUInt64LE(PLACE)) % 65536).toBe(0);
  });

  it('can be undone, for strip', () => {
    const file = readFileSync(join(folder, 'main'));
    expect(headersFirst(file)).toBe(file);
    const moved = headersLast(readFileSync(libraryAsLinked));
    const restored = headersFirst(moved);
    expect(restored.subarray(0, readFileSync(libraryAsLinked).length)).toEqual(readFileSync(libraryAsLinked));
    expect(headersLast(restored)).toEqual(moved);
    moved.writeUInt8(1 + moved.readUInt8(70), 70);
    expect(() => headersFirst(moved)).toThrow('neither first nor');
  });

  it('refuses what it does not know', () => {
    const file = readFileSync(library);
    const changed = (change: (copy: Buffer) => void) => () => {
      const copy = Buffer.from(file);
      change(copy);
      return headersLast(copy);
    };
    const first = Number(file.readBigUInt64LE(PLACE));
    expect(() => headersLast(Buffer.alloc(10))).toThrow('not a 64-bit little-endian ELF file');
    expect(() => headersLast(Buffer.alloc(100))).toThrow('not a 64-bit little-endian ELF file');
    expect(changed((copy) => copy.writeUInt16LE(0, 56))).toThrow('no program headers');
    expect(changed((copy) => copy.writeBigUInt64LE(1n << 40n, PLACE))).toThrow('no program headers');
    expect(changed((copy) => copy.writeUInt32LE(6, first))).toThrow('say where they are in memory');
    const { status } = spawnSync(process.execPath, [program, join(folder, 'main.c')]);
    expect(status).not.toBe(0);
  });
});
