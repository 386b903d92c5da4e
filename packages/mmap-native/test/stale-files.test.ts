import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, linkSync, mkdirSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { cleanStaleFiles, cleanStaleFilesAsync, MappedFile, ScratchMemory } from '../src/index.js';
import { childArguments, failure, rejection, runChild, startChild, useFolder } from './support.js';

const folder = useFolder();

const staleName = (pid: number, digit = '0') => `vgpu-${pid}-${digit.repeat(16)}.tmp`;

describe('cleanStaleFiles', () => {
  it('removes files that nobody has locked', () => {
    writeFileSync(folder.path(staleName(123)), 'left over');
    expect(cleanStaleFiles(folder.path())).toEqual([
      { path: folder.path(staleName(123)), bytes: 9, pid: 123, removed: true },
    ]);
    expect(cleanStaleFiles(folder.path())).toEqual([]);
    expect(readdirSync(folder.path())).toEqual([]);
  });

  it('leaves files in use, whatever the number in their name', async () => {
    using file = MappedFile.create(folder.path(staleName(2 ** 30)), { size: 5 });
    expect(await cleanStaleFilesAsync(folder.path())).toEqual([
      { path: file.path, bytes: 5, pid: 2 ** 30, removed: false, reason: 'in-use' },
    ]);
    expect(existsSync(file.path)).toBe(true);
  });

  it('only says what it would do when asked to', () => {
    writeFileSync(folder.path(staleName(1)), '');
    expect(cleanStaleFiles(folder.path(), { dryRun: true })).toEqual([
      { path: folder.path(staleName(1)), bytes: 0, pid: 1, removed: false, reason: 'dry-run' },
    ]);
    expect(existsSync(folder.path(staleName(1)))).toBe(true);
  });

  it('touches no other name, no directory, and nothing beyond a link', () => {
    const names = [
      'vgpu-1-000000000000000.tmp',
      'vgpu-1-00000000000000000.tmp',
      'vgpu-1-000000000000000G.tmp',
      'vgpu-1-000000000000000A.tmp',
      'vgpu--0000000000000000.tmp',
      'vgpu-x-0000000000000000.tmp',
      'vgpu-1-0000000000000000.tmp.bak',
      'xvgpu-1-0000000000000000.tmp',
      'vgpu-1-0000000000000000.tmp\n',
      'vgpu-1-0000000000000000',
    ];
    for (const name of names) writeFileSync(folder.path(name), 'foreign');
    mkdirSync(folder.path('target'));
    writeFileSync(folder.path('target/file'), 'foreign');
    writeFileSync(folder.path(`target/${staleName(4)}`), 'in another directory');
    symlinkSync('target/file', folder.path(staleName(5)));
    symlinkSync('nowhere', folder.path(staleName(6)));
    symlinkSync('target', folder.path(staleName(7)));
    mkdirSync(folder.path(staleName(8)));
    const before = readdirSync(folder.path(), { recursive: true });
    const found = cleanStaleFiles(folder.path());
    expect(found.filter(({ removed }) => removed)).toEqual([]);
    expect(readdirSync(folder.path(), { recursive: true })).toEqual(before);
  });

  it('removes a name, not the file that has another one too', () => {
    writeFileSync(folder.path('kept'), 'contents');
    linkSync(folder.path('kept'), folder.path(staleName(1)));
    expect(cleanStaleFiles(folder.path())).toHaveLength(1);
    expect(readdirSync(folder.path())).toEqual(['kept']);
  });

  it('says what could not be removed, and goes on', () => {
    for (const digit of ['a', 'b']) writeFileSync(folder.path(staleName(1, digit)), '');
    const script = `
      const files = mmap.cleanStaleFiles(argument);
      console.log(JSON.stringify(files.map(({ removed, reason, error }) => [removed, reason, error.code])));`;
    const result = runChild(script, { argument: folder.path(), failCall: 'unlink:13' });
    expect(JSON.parse(result.stdout)).toEqual([
      [false, 'failed', 'ERR_VGPU_MMAP_ACCESS'],
      [false, 'failed', 'ERR_VGPU_MMAP_ACCESS'],
    ]);
  });

  it('needs a directory that it can read, and stops when it is aborted', async () => {
    expect(failure(() => cleanStaleFiles(folder.path('none'))).code).toBe('ERR_VGPU_MMAP_NOT_FOUND');
    const signal = AbortSignal.abort();
    expect((await rejection(cleanStaleFilesAsync(folder.path(), { signal }))).code).toBe(
      'ERR_VGPU_MMAP_ABORTED',
    );
  });
});

describe('a killed process', () => {
  it('leaves files that the next start removes, and no others', async () => {
    const script = `
      const files = Array.from({ length: 3 }, () => mmap.ScratchMemory.create(1e6, { directory: argument, named: true }));
      mmap.replaceFile(argument + '/a', () => { console.log(files.length); setTimeout(() => {}, 60000);
        Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0); }, { size: 1000 });`;
    const child = await startChild(script, folder.path());
    expect(readdirSync(folder.path())).toHaveLength(4);
    expect(cleanStaleFiles(folder.path()).map(({ reason }) => reason)).toEqual(Array(4).fill('in-use'));
    child.kill('SIGKILL');
    await once(child, 'exit');

    // The first scratch memory in a directory cleans it.
    using scratch = ScratchMemory.create(10, { directory: folder.path(), named: true });
    expect(readdirSync(folder.path())).toEqual([scratch.path?.split('/').at(-1)]);
  });
});

it('lets many processes create and clean at once', async () => {
  const script = `
    for (let round = 0; round < 60; round += 1) {
      const scratch = mmap.ScratchMemory.create(4096, { directory: argument, named: true });
      const { bytes } = scratch.window(0, 4096);
      bytes.fill(process.pid % 256);
      mmap.cleanStaleFiles(argument);
      mmap.replaceFile(argument + '/result-' + process.pid, (file) => { file.window(0, 1).bytes[0] = 1; }, { size: 1 });
      if (!bytes.every((byte) => byte === process.pid % 256)) throw new Error('somebody else wrote');
      scratch.close();
    }`;
  const children = Array.from({ length: 4 }, () =>
    spawn(process.execPath, childArguments(script, folder.path()), {
      stdio: ['ignore', 'ignore', 'inherit'],
    }),
  );
  const codes = await Promise.all(children.map(async (child) => (await once(child, 'exit'))[0] as number));
  expect(codes).toEqual([0, 0, 0, 0]);
  expect(readdirSync(folder.path()).filter((name) => !name.startsWith('result-'))).toEqual([]);
});

it('says nothing of what vanishes while it looks', async () => {
  const files = Array.from({ length: 100 }, (_, index) =>
    join(folder.path(), `vgpu-1-${String(index).padStart(16, '0')}.tmp`),
  );
  for (const path of files) writeFileSync(path, '');
  const results = await Promise.all(Array.from({ length: 4 }, () => cleanStaleFilesAsync(folder.path())));
  expect(results.flat().filter(({ reason }) => reason === 'failed')).toEqual([]);
  expect(readdirSync(folder.path())).toEqual([]);
});
