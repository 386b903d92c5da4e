import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { documentExamples, runExample } from '@vgpu/toolchain/document-examples';
import { expect, test } from 'vitest';
import { FormatError, InvalidFileFormatError, isFormatError, readContainer } from '../src/index.js';

const packageDirectory = join(dirname(fileURLToPath(import.meta.url)), '..');
const readme = readFileSync(join(packageDirectory, 'README.md'), 'utf8');
const documents = [join(packageDirectory, 'README.md'), join(packageDirectory, '../../docs/file-format.md')];
const examples = documents.flatMap(documentExamples);

test('the documents have examples', () => {
  expect(examples.length).toBeGreaterThanOrEqual(5);
});

test.each(examples)('example: $title', async ({ source, prints }) => {
  expect(prints.length).toBeGreaterThan(0);
  expect(await runExample(source, packageDirectory)).toEqual(prints);
});

test('the README names every error code and no other', () => {
  const table = [...readme.matchAll(/^\| `([A-Z_]+)` \|/gm)].map((match) => match[1]);
  const source = readFileSync(join(packageDirectory, 'src/errors.ts'), 'utf8');
  const codes = new Set([...source.matchAll(/'ERR_VGPU_FORMAT_([A-Z_]+)'/g)].map((match) => match[1]));
  expect(table.sort()).toEqual([...codes].sort());
});

test('an error of another copy of the package is recognised', () => {
  const error = new InvalidFileFormatError('truncated', 'x', { offset: 0, found: 1, expected: 2 });
  expect(error).toBeInstanceOf(FormatError);
  expect(
    isFormatError(Object.assign(new Error('x'), { [Symbol.for('@vgpu/format/FormatError')]: true })),
  ).toBe(true);
  expect(() => readContainer(new Uint8Array())).toThrow(FormatError);
});
