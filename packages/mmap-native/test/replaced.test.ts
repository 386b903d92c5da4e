import { renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { basename } from 'node:path';
import { expect, it } from 'vitest';
import { MappedFile } from '../src/index.js';
import { failure, useFolder } from './support.js';

const folder = useFolder();

it('says whether the path still names the open file', () => {
  const [path, other] = [folder.path('a'), folder.path('b')];
  writeFileSync(path, 'contents');
  using file = MappedFile.open(path);
  expect(file.replaced).toBe(false);
  renameSync(path, other);
  expect(file.replaced).toBe(true);
  symlinkSync(basename(other), path);
  expect(file.replaced).toBe(false);
  rmSync(path);
  writeFileSync(path, 'contents');
  expect(file.replaced).toBe(true);
  file.close();
  expect(failure(() => file.replaced).code).toBe('ERR_VGPU_MMAP_CLOSED');
});

it('goes by the directory in which the file was opened', () => {
  writeFileSync(folder.path('a'), 'contents');
  const before = process.cwd();
  process.chdir(folder.path('.'));
  try {
    using file = MappedFile.open('a');
    process.chdir(before);
    expect(file.replaced).toBe(false);
  } finally {
    process.chdir(before);
  }
});
