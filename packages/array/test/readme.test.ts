import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { documentExamples, runExample } from '@vgpu/toolchain/document-examples';
import { expect, test } from 'vitest';
import { ArrayError, isArrayError } from '../src/index.js';
import { packageDirectory } from './support.js';

const path = join(packageDirectory, 'README.md');
const examples = [path, join(packageDirectory, '../../docs/arrays.md')].flatMap(documentExamples);

test('the documents have examples', () => {
  expect(examples.length).toBeGreaterThanOrEqual(5);
});

test.each(examples)('example: $title', async ({ source, prints }) => {
  expect(prints.length).toBeGreaterThan(0);
  expect(await runExample(source, packageDirectory)).toEqual(prints);
});

test('the README names every error code and no other', () => {
  const table = [...readFileSync(path, 'utf8').matchAll(/^\| `([A-Z_]+)` \|/gm)].map((match) => match[1]);
  const source = readFileSync(join(packageDirectory, 'src/errors.ts'), 'utf8');
  const codes = new Set([...source.matchAll(/'ERR_VGPU_ARRAY_([A-Z_]+)'/g)].map((match) => match[1]));
  expect(table.sort()).toEqual([...codes].sort());
});

test('an error of another copy of the package is recognised', () => {
  expect(isArrayError(new ArrayError('ERR_VGPU_ARRAY_RANGE', 'x'))).toBe(true);
  expect(isArrayError(Object.assign(new Error('x'), { [Symbol.for('@vgpu/array/ArrayError')]: true }))).toBe(
    true,
  );
  expect(isArrayError(new Error('x'))).toBe(false);
});
