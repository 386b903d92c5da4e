import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { documentExamples, runExample } from '@vgpu/toolchain/document-examples';
import { beforeAll, expect, test } from 'vitest';
import { isMmapError, MmapError } from '../src/index.js';

const packageDirectory = fileURLToPath(new URL('..', import.meta.url));
const path = join(packageDirectory, 'README.md');
const examples = documentExamples(path);

// The first example makes it, the others go on with it.
beforeAll(() => rmSync(join(packageDirectory, 'build/matrix.bin'), { force: true }));

test('the README has examples', () => {
  expect(examples.length).toBeGreaterThanOrEqual(5);
});

test.each(examples)('example: $title', async ({ source, prints }) => {
  expect(prints.length).toBeGreaterThan(0);
  expect(await runExample(source, packageDirectory)).toEqual(prints);
});

test('the README names every error code and no other', () => {
  const table = [...readFileSync(path, 'utf8').matchAll(/^\| `([A-Z_]+)` \|/gm)].map((match) => match[1]);
  const source = readFileSync(join(packageDirectory, 'src/errors.ts'), 'utf8');
  const codes = new Set([...source.matchAll(/'ERR_VGPU_MMAP_([A-Z_]+)'/g)].map((match) => match[1]));
  expect(table.sort()).toEqual([...codes].sort());
});

test('an error of another copy of the package is recognised', () => {
  expect(isMmapError(new MmapError('ERR_VGPU_MMAP_RANGE', 'x'))).toBe(true);
  expect(
    isMmapError(Object.assign(new Error('x'), { [Symbol.for('@vgpu/mmap-native/MmapError')]: true })),
  ).toBe(true);
  expect(isMmapError(new Error('x'))).toBe(false);
});
