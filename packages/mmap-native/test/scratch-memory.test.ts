import { existsSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { maximumWindowBytes, pageSize, ScratchMemory } from '../src/index.js';
import { failure, rejection, useFolder } from './support.js';

const folder = useFolder();
const mebibyte = 2 ** 20;

describe('anonymous scratch memory', () => {
  it('is zeros, shared by its windows, and gives back what is discarded', async () => {
    using scratch = ScratchMemory.create(64 * mebibyte + 5);
    expect([scratch.size, scratch.path, scratch.residentBytes()]).toEqual([64 * mebibyte + 5, undefined, 0]);
    const { bytes } = scratch.window(3, 64 * mebibyte);
    expect(bytes[1000]).toBe(0);
    bytes.fill(7);
    expect(scratch.window(4, 1).bytes[0]).toBe(7);
    const before = process.memoryUsage.rss();
    scratch.discard(0, 32 * mebibyte);
    expect(process.memoryUsage.rss()).toBeLessThan(before - 24 * mebibyte);
    expect([bytes[0], bytes[32 * mebibyte]]).toEqual([0, 7]);
    await scratch.discardAsync();
    expect(scratch.residentBytes()).toBe(0);
    expect(bytes.every((byte) => byte === 0)).toBe(true);
  });

  it('may be larger than what a window shows, and than the machine', () => {
    const size = 2 ** 42;
    using scratch = ScratchMemory.create(BigInt(size));
    const last = scratch.window(size - 8, 8);
    last.bytes.fill(1);
    expect(scratch.window(size - 1, 1).bytes[0]).toBe(1);
    expect(failure(() => scratch.window(0, maximumWindowBytes + 1)).code).toBe('ERR_VGPU_MMAP_RANGE');
    expect(failure(() => scratch.window(size, 1)).code).toBe('ERR_VGPU_MMAP_RANGE');
  });

  it('keeps what is aligned aligned', () => {
    using scratch = ScratchMemory.create(3 * pageSize());
    const { bytes } = scratch.window(pageSize() + 16, 64);
    expect(new Float64Array(bytes.buffer, bytes.byteOffset, 8)).toHaveLength(8);
  });

  it('has nowhere to keep its contents', async () => {
    using scratch = ScratchMemory.create(10);
    expect(failure(() => scratch.release()).code).toBe('ERR_VGPU_MMAP_UNSUPPORTED');
    expect((await rejection(scratch.releaseAsync())).code).toBe('ERR_VGPU_MMAP_UNSUPPORTED');
  });

  it('ends with close', async () => {
    const scratch = ScratchMemory.create(100);
    const { bytes } = scratch.window(0, 100);
    scratch.close();
    scratch.close();
    expect([scratch.closed, bytes.length]).toEqual([true, 0]);
    for (const work of [() => scratch.window(0, 1), () => scratch.discard(), () => scratch.residentBytes()]) {
      expect(failure(work).code).toBe('ERR_VGPU_MMAP_CLOSED');
    }
    expect((await rejection(scratch.discardAsync())).code).toBe('ERR_VGPU_MMAP_CLOSED');
  });

  it('refuses what makes no sense', async () => {
    for (const work of [
      () => ScratchMemory.create(0),
      () => ScratchMemory.create(-1),
      () => ScratchMemory.create(10, { named: true }),
      () => ScratchMemory.create(10, { directory: '' }),
    ]) {
      expect(failure(work).code).toBe('ERR_VGPU_MMAP_ARGUMENT');
    }
    const missing = ScratchMemory.createAsync(10, { directory: folder.path('none') });
    expect((await rejection(missing)).code).toBe('ERR_VGPU_MMAP_NOT_FOUND');
  });
});

describe('scratch memory in a file', () => {
  it('has no name where it needs none', () => {
    using scratch = ScratchMemory.create(mebibyte, { directory: folder.path() });
    expect(scratch.path).toBeUndefined();
    expect(readdirSync(folder.path())).toEqual([]);
    scratch.window(0, 10).bytes.fill(1);
  });

  it('keeps its contents when memory is released, and loses them with discard', async () => {
    const size = 8 * mebibyte + 3;
    using scratch = await ScratchMemory.createAsync(size, { directory: folder.path(), named: true });
    const path = scratch.path ?? '';
    const { bytes } = scratch.window(0, size);
    bytes.fill(5);
    await scratch.releaseAsync();
    expect(scratch.residentBytes()).toBe(0);
    expect(bytes.every((byte) => byte === 5)).toBe(true);
    scratch.release(0, mebibyte);
    expect(statSync(path).blocks * 512).toBeGreaterThanOrEqual(size);
    scratch.discard(mebibyte - 1, 2 * mebibyte);
    expect([bytes[mebibyte - 1], bytes[mebibyte], bytes[3 * mebibyte]]).toEqual([5, 0, 5]);
    await scratch.discardAsync();
    expect(scratch.residentBytes()).toBe(0);
    expect(statSync(path).blocks).toBe(0);
    expect(bytes.every((byte) => byte === 0)).toBe(true);
  });

  it('takes its name along, for the owner only', () => {
    const scratch = ScratchMemory.create(10, { directory: folder.path(), named: true });
    const path = scratch.path ?? '';
    expect(path).toMatch(new RegExp(`/vgpu-${process.pid}-[0-9a-f]{16}\\.tmp$`));
    expect(statSync(path).mode & 0o777).toBe(0o600);
    scratch.close();
    expect(existsSync(path)).toBe(false);
  });

  it('cleans the directory when it is first used, once', () => {
    const stale = folder.path(`vgpu-1-${'0'.repeat(16)}.tmp`);
    writeFileSync(stale, '');
    ScratchMemory.create(10, { directory: folder.path() }).close();
    expect(existsSync(stale)).toBe(false);
    writeFileSync(stale, '');
    ScratchMemory.create(10, { directory: folder.path() }).close();
    expect(existsSync(stale)).toBe(true);
  });
});
