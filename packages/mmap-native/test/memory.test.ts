// Flushing, discarding and everything else about pages.

import { writeFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MappedFile, pageSize } from '../src/index.js';
import { failure, memoryInformation, rejection, residentSetOf, runChild, useFolder } from './support.js';

const folder = useFolder();
const mebibyte = 2 ** 20;

describe('flush', () => {
  it('takes any range inside the file', async () => {
    const size = 6 * 4096 + 10;
    using file = MappedFile.create(folder.path('a'), { size });
    file.window(5000, 10_000).bytes.fill(1);
    file.window(0, size).bytes.fill(2);
    fc.assert(
      fc.property(fc.nat(size), fc.nat(size), (a, b) => {
        file.flush(Math.min(a, b), Math.abs(a - b));
      }),
    );
    file.flush();
    await file.flushAsync(BigInt(size), 0n);
    expect(failure(() => file.flush(1, size)).code).toBe('ERR_VGPU_MMAP_RANGE');
    expect((await rejection(file.flushAsync(-1))).code).toBe('ERR_VGPU_MMAP_ARGUMENT');
  });

  it('poisons the file when it fails, for good', () => {
    for (const call of ['fdatasync', 'msync', 'fsync']) {
      const script = `
        const file = mmap.MappedFile.create(argument, { size: 10000 });
        const { bytes } = file.window(0, 10000);
        const codeOf = async (work) => { try { await work(); return ''; } catch (error) { return error.code; } };
        process.env.VGPU_FAIL_CALL = '${call}:5';
        let first;
        try { file.flush(); } catch (error) { first = error; }
        process.env.VGPU_FAIL_CALL = '';
        console.log(JSON.stringify({
          first: first.code, errno: first.values.errno, call: first.values.syscall, cause: first.cause.code,
          poisoned: file.poisoned, rescued: bytes.length,
          again: await codeOf(() => file.flush()), async: await codeOf(() => file.flushAsync()),
          write: await codeOf(() => file.write(0, new Uint8Array(1))),
        }));
        file.close();`;
      const result = runChild(script, { argument: folder.path(call), failCall: '' });
      expect(result.stderr).toBe('');
      expect(JSON.parse(result.stdout)).toEqual({
        first: 'ERR_VGPU_MMAP_POISONED',
        errno: 'EIO',
        call,
        cause: 'ERR_VGPU_MMAP_IO',
        poisoned: true,
        rescued: 10000,
        again: 'ERR_VGPU_MMAP_POISONED',
        async: 'ERR_VGPU_MMAP_POISONED',
        write: 'ERR_VGPU_MMAP_POISONED',
      });
    }
  });
});

describe('discard', () => {
  it('frees the memory, of the process and of the page cache, and keeps the data', async () => {
    const size = 64 * mebibyte;
    using file = MappedFile.create(folder.path('a'), { size });
    const window = file.window(100, size - 200);
    const freed: number[] = [];
    for (const discard of [() => file.discard(), () => file.discardAsync()]) {
      window.bytes.fill(9);
      file.flush();
      expect(file.residentBytes()).toBe(size);
      expect(residentSetOf(folder.path('a'))).toBe(size);
      const cached = memoryInformation('Cached');
      await discard();
      expect(file.residentBytes()).toBe(0);
      expect(residentSetOf(folder.path('a'))).toBe(0);
      freed.push(cached - memoryInformation('Cached'));
    }
    // Others use the page cache too, and may have taken some of it meanwhile, but hardly each time.
    expect(Math.max(...freed)).toBeGreaterThan(size / 2);
    expect(window.bytes.every((byte) => byte === 9)).toBe(true);
  });

  it('frees what was written without a window', () => {
    using file = MappedFile.create(folder.path('a'), { size: 0 });
    file.write(0, new Uint8Array(mebibyte).fill(1));
    expect(file.residentBytes()).toBe(mebibyte);
    file.discard();
    expect(file.residentBytes()).toBe(0);
  });

  it('leaves the pages that hold other bytes', () => {
    const page = pageSize();
    using file = MappedFile.create(folder.path('a'), { size: 4 * page });
    file.window(0, 4 * page).bytes.fill(1);
    file.flush();
    file.discard(1, 2 * page);
    expect(file.residentBytes(0, page)).toBe(page);
    expect(file.residentBytes(2 * page, 2 * page)).toBe(2 * page);
    expect(file.residentBytes(page, page)).toBe(0);
    file.discard(page + 1, page);
    file.discard(4 * page, 0);
    expect(file.residentBytes(3 * page)).toBe(page);
  });

  it('undoes what was written into a window of a file open for reading', () => {
    writeFileSync(folder.path('a'), 'contents');
    using file = MappedFile.open(folder.path('a'));
    const { bytes } = file.window(0, 8);
    bytes[0] = 0;
    file.discard();
    expect(Buffer.from(bytes).toString()).toBe('contents');
  });

  it('poisons the file when writing back fails', () => {
    const script = `
      const file = mmap.MappedFile.create(argument, { size: 10000 });
      file.window(0, 10000).bytes.fill(1);
      process.env.VGPU_FAIL_CALL = 'msync:5';
      try { file.discard(); } catch (error) { console.log(error.code, file.poisoned); }`;
    const result = runChild(script, { argument: folder.path('a'), failCall: '' });
    expect(result.stdout).toBe('ERR_VGPU_MMAP_POISONED true\n');
  });
});

describe('prefetch', () => {
  it('has the range in memory when it resolves', async () => {
    const size = 64 * mebibyte;
    using file = MappedFile.create(folder.path('a'), { size });
    file.window(0, size).bytes.fill(1);
    file.discard();
    expect(file.residentBytes()).toBe(0);
    await file.prefetchAsync(mebibyte, 2n * 2n ** 20n);
    expect(file.residentBytes(mebibyte, 2 * mebibyte)).toBe(2 * mebibyte);
    // The system reads on, but not all of it.
    expect(file.residentBytes()).toBeLessThan(size);
    file.prefetch();
    file.prefetch(3, 0);
  });

  it('stops when it is aborted', async () => {
    using file = MappedFile.create(folder.path('a'), { size: 200 * mebibyte, reserve: false });
    const controller = new AbortController();
    const loading = file.prefetchAsync(0, undefined, { signal: controller.signal });
    controller.abort(new Error('enough'));
    const error = await rejection(loading);
    expect(error.code).toBe('ERR_VGPU_MMAP_ABORTED');
    expect(error.cause).toBe(controller.signal.reason);
    expect(file.residentBytes()).toBeLessThan(200 * mebibyte);
  });
});

it('advises windows that are open, and those to come', () => {
  using file = MappedFile.create(folder.path('a'), { size: 100_000 });
  const window = file.window(0, 100_000);
  file.advise('random', 10, 10);
  file.advise('sequential');
  file.window(5, 10);
  file.advise('normal', 100_000);
  window.close();
  expect(failure(() => file.advise('fast' as 'random')).code).toBe('ERR_VGPU_MMAP_ARGUMENT');
});

it('keeps pinned pages in memory', () => {
  const page = pageSize();
  using file = MappedFile.create(folder.path('a'), { size: 4 * page });
  file.window(0, 4 * page).bytes.fill(1);
  file.flush();
  file.discard();
  file.pin(page, 10);
  expect(file.residentBytes(page, page)).toBe(page);
  expect(failure(() => file.discard()).values.errno).toBe('EINVAL');
  expect(file.poisoned).toBe(false);
  file.unpin();
  file.discard();
  expect(file.residentBytes()).toBe(0);
});
