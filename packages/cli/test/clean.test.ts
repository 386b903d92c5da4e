import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { ScratchMemory } from '@vgpu/mmap-native';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { cleanSchema, failureSchema } from './schemas.js';
import { ended, Folder, start, vgpu, vgpuJson } from './vgpu.js';

let folder: Folder;
beforeEach(() => {
  folder = new Folder();
});
afterEach(() => folder.remove());

const stale = ['vgpu-999999-0123456789abcdef.tmp', 'vgpu-1-fedcba9876543210.tmp'];
const foreign = [
  'vgpu-1-0123456789abcdef.tmp.bak',
  'vgpu-x-0123456789abcdef.tmp',
  'vgpu-1-0123.tmp',
  'notes.tmp',
];

function litter(): void {
  for (const name of [...stale, ...foreign]) writeFileSync(folder.at(name), 'x'.repeat(1000));
  // What a name of ours points to, and what lies deeper, is somebody else's.
  symlinkSync(folder.at('notes.tmp'), folder.at('vgpu-7-0000000000000000.tmp'));
  mkdirSync(folder.at('deeper'));
  writeFileSync(folder.at('deeper/vgpu-9-0000000000000000.tmp'), 'x');
}

it('removes what dead processes left, and nothing else', async () => {
  litter();
  mkdirSync(folder.at('vgpu-8-0000000000000000.tmp'));
  using scratch = ScratchMemory.create(4096, { directory: folder.path, named: true });
  // Creating it has cleaned up already.
  for (const name of stale) writeFileSync(folder.at(name), 'x'.repeat(1000));
  const before = folder.list();
  const { code, stderr, document } = await vgpuJson(cleanSchema, 'clean', folder.path);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  expect(document).toMatchObject({ dryRun: false, bytes: 2000, directory: folder.path });
  expect(document.files.filter(({ removed }) => removed).map(({ path }) => path)).toEqual(
    stale.map((name) => folder.at(name)).sort(),
  );
  expect(document.files.find(({ path }) => path === scratch.path)).toMatchObject({
    removed: false,
    reason: 'in-use',
    pid: process.pid,
  });
  expect(folder.list()).toEqual(before.filter((name) => !stale.includes(name)));
  expect(readFileSync(folder.at('notes.tmp'), 'utf8')).toHaveLength(1000);
});

it('--dry-run only says so', async () => {
  litter();
  const before = folder.list();
  const { code, stdout } = await vgpu('clean', '--dry-run', folder.path);
  expect(code).toBe(0);
  expect(stdout).toBe(
    [
      ...[...stale].sort().map((name) => `would remove ${folder.at(name)} (1000 B)`),
      `would free 2.0 KiB in ${folder.path}: 2 files`,
      '',
    ].join('\n'),
  );
  expect(folder.list()).toEqual(before);
});

it('looks by default where temporary files go', async () => {
  litter();
  const child = start(['clean', '--json'], { env: { ...process.env, TMPDIR: folder.path } });
  const { code, stdout } = await ended(child);
  expect(code).toBe(0);
  expect(cleanSchema.parse(JSON.parse(stdout))).toMatchObject({ directory: folder.path, bytes: 2000 });
});

it('a folder that is not there, or is none, is an error', async () => {
  writeFileSync(folder.at('file'), '');
  const codes = [];
  for (const path of [folder.at('missing'), folder.at('file')]) {
    const { code, document } = await vgpuJson(failureSchema, 'clean', path);
    codes.push(code, document.error.code);
  }
  expect(codes).toEqual([1, 'ERR_VGPU_FILE_NOT_FOUND', 1, 'ERR_VGPU_NOT_A_FOLDER']);
});
