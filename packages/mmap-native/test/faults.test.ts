// Disks that are full, read-only or shortened by others.

import { spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, readdirSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { MappedFile, replaceFile, ScratchMemory } from '../src/index.js';
import { failure, mayMount, outputOf, rejection, runChild, useFolder, withTmpfs } from './support.js';

const mountable = mayMount();
const root = process.getuid?.() === 0;
if (!root) process.stdout.write('skipped: only root can become somebody else\n');

const folder = useFolder();

describe('a file cut short by somebody else', () => {
  it('reads as zeros from there on, and every later call says so', async () => {
    const path = folder.path('a');
    using file = MappedFile.create(path, { size: 100_000 });
    const window = file.window(10, 90_000);
    const { bytes } = window;
    bytes.fill(1);
    truncateSync(path, 5000);
    expect(bytes[0]).toBe(1);
    expect([file.faulted, window.bytes.length]).toEqual([false, 90_000]);
    expect(bytes[80_000]).toBe(0);
    expect(file.faulted).toBe(true);
    const error = failure(() => window.bytes);
    expect([error.code, error.values.path]).toEqual(['ERR_VGPU_MMAP_FAULTED', path]);
    expect(error.remedy).toMatch(/lost/);
    for (const call of [() => file.flush(), () => file.size, () => file.window(0, 1)]) {
      expect(failure(call).code).toBe('ERR_VGPU_MMAP_FAULTED');
    }
    expect((await rejection(file.readAsync(0, new Uint8Array(1)))).code).toBe('ERR_VGPU_MMAP_FAULTED');
    window.close();
    expect(file.faulted).toBe(true);
  });

  it('is noticed in windows for reading too, and by explicit reads without harm', () => {
    writeFileSync(folder.path('a'), Buffer.alloc(100_000, 1));
    using file = MappedFile.open(folder.path('a'));
    const { bytes } = file.window(0, 100_000);
    truncateSync(folder.path('a'), 10);
    expect(file.read(0, new Uint8Array(100))).toBe(10);
    expect(bytes[50_000]).toBe(0);
    expect(file.faulted).toBe(true);
  });

  it('does not hide faults of others: they kill as ever', () => {
    const script = `
      const file = mmap.MappedFile.create(argument, { size: 10 });
      file.window(0, 10);
      process.kill(process.pid, 'SIGBUS');
      setTimeout(() => {}, 10000);`;
    expect(runChild(script, { argument: folder.path('a') }).signal).toBe('SIGBUS');
  });
});

describe('a full disk', () => {
  it.runIf(mountable)('is an error when the file is created, not a fault later', () => {
    withTmpfs(folder.path('small'), 'size=1m', (small) => {
      for (const work of [
        () => MappedFile.create(join(small, 'a'), { size: 2 ** 21 }),
        () => replaceFile(join(small, 'a'), () => {}, { size: 2 ** 21 }),
        () => ScratchMemory.create(2 ** 21, { directory: small }),
        () => ScratchMemory.create(2 ** 21, { directory: small, named: true }),
      ]) {
        const error = failure(work);
        expect([error.code, error.values.errno]).toEqual(['ERR_VGPU_MMAP_NO_SPACE', 'ENOSPC']);
        expect(readdirSync(small)).toEqual([]);
      }
    });
  });

  it.runIf(mountable)('leaves a file as long as it was, and gives back what a reservation took', () => {
    withTmpfs(folder.path('small'), 'size=1m', (small) => {
      using file = MappedFile.create(join(small, 'a'), { size: 2 ** 19 });
      expect(failure(() => file.reserve(0, 2 ** 21)).code).toBe('ERR_VGPU_MMAP_NO_SPACE');
      expect(file.size).toBe(2 ** 19);
      expect(failure(() => file.write(2 ** 19, new Uint8Array(2 ** 20))).code).toBe('ERR_VGPU_MMAP_NO_SPACE');
      file.resize(2 ** 19);
      file.reserve(0, 2 ** 20);
    });
  });

  it.runIf(mountable)('under a sparse window gives zeros and an error, and the process lives', () => {
    withTmpfs(folder.path('small'), 'size=1m', (small) => {
      using scratch = ScratchMemory.create(2 ** 22, { directory: small, reserve: false });
      const { bytes } = scratch.window(0, 2 ** 22);
      bytes.fill(1);
      expect(scratch.faulted).toBe(true);
      expect(failure(() => scratch.discard()).code).toBe('ERR_VGPU_MMAP_FAULTED');
    });
  });
});

describe('a place that may not be written', () => {
  it.runIf(mountable)('is an error of access on a read-only file system', () => {
    withTmpfs(folder.path('fixed'), 'size=1m', (fixed) => {
      writeFileSync(join(fixed, 'a'), 'contents');
      const remounted = spawnSync('mount', ['-o', 'remount,ro', fixed], { encoding: 'utf8' });
      expect(remounted.stderr).toBe('');
      for (const work of [
        () => MappedFile.create(join(fixed, 'b'), { size: 1 }),
        () => MappedFile.open(join(fixed, 'a'), { access: 'read-write' }),
        () => replaceFile(join(fixed, 'a'), () => {}, { size: 1 }),
      ]) {
        const error = failure(work);
        expect([error.code, error.values.errno]).toEqual(['ERR_VGPU_MMAP_ACCESS', 'EROFS']);
      }
      using file = MappedFile.open(join(fixed, 'a'));
      expect(file.window(0, 8).bytes).toHaveLength(8);
    });
  });

  it.runIf(root)('is an error of access in a directory of somebody else', () => {
    const nobody = 65534;
    chmodSync(folder.path(), 0o755);
    mkdirSync(folder.path('closed'), { mode: 0o755 });
    writeFileSync(folder.path('closed/a'), 'contents');
    chmodSync(folder.path('closed/a'), 0o600);
    const script = `
      mmap.pageSize();
      process.setgid(${nobody}); process.setuid(${nobody});
      const codeOf = (work) => { try { work(); return ''; } catch (error) { return error.code; } };
      console.log(JSON.stringify([
        codeOf(() => mmap.MappedFile.create(argument + '/b', { size: 1 })),
        codeOf(() => mmap.MappedFile.open(argument + '/a')),
        codeOf(() => mmap.replaceFile(argument + '/a', () => {}, { size: 1 })),
        codeOf(() => mmap.ScratchMemory.create(1, { directory: argument })),
      ]));`;
    expect(outputOf(script, { argument: folder.path('closed') })).toEqual(
      Array.from({ length: 4 }, () => 'ERR_VGPU_MMAP_ACCESS'),
    );
  });
});

it('copies by reading and writing where the kernel does not copy', () => {
  for (const error of ['38', '95', '22', '18']) {
    const script = `
      const file = mmap.MappedFile.create(argument, { size: 6000000 });
      file.window(0, 3000000).bytes.fill(5);
      file.copyWithin(0, 3000000, 3000000);
      await file.copyWithinAsync(0, 3000000, 3000000);
      console.log(file.window(0, 6000000).bytes.every((byte) => byte === 5));`;
    expect(outputOf(script, { argument: folder.path(error), failCall: `copy_file_range:${error}` })).toBe(
      true,
    );
  }
});

it('reserves by writing where the file system cannot reserve', () => {
  const script = `
    const file = mmap.MappedFile.create(argument, { size: 6000000 });
    console.log(file.size);`;
  expect(outputOf(script, { argument: folder.path('a'), failCall: 'fallocate:95' })).toBe(6_000_000);
});
