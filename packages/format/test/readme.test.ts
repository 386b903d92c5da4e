import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { FormatError, InvalidFileFormatError, isFormatError, readContainer } from '../src/index.js';

const packageDirectory = join(dirname(fileURLToPath(import.meta.url)), '..');
const readme = readFileSync(join(packageDirectory, 'README.md'), 'utf8');
const examples = [...readme.matchAll(/```ts\n(.*?)```/gs)].map((match) => match[1] ?? '');
const previousDirectory = process.cwd();

beforeAll(() => process.chdir(packageDirectory));
afterAll(() => process.chdir(previousDirectory));

test('the README has examples', () => {
  expect(examples.length).toBeGreaterThanOrEqual(5);
});

test.each(examples)('example %#', async (source) => {
  const expected = [...source.matchAll(/\/\/ prints (.*)$/gm)].map((match) => match[1]);
  expect(expected.length).toBeGreaterThan(0);
  const { outputFiles } = await build({
    stdin: { contents: source, loader: 'ts', resolveDir: packageDirectory },
    alias: { '@vgpu/format': join(packageDirectory, 'src/index.ts') },
    bundle: true,
    write: false,
    platform: 'node',
    format: 'esm',
  });
  const printed: string[] = [];
  const log = vi.spyOn(console, 'log').mockImplementation((...values: unknown[]) => {
    printed.push(values.join(' '));
  });
  try {
    await import(`data:text/javascript,${encodeURIComponent(outputFiles[0]?.text ?? '')}`);
  } finally {
    log.mockRestore();
  }
  expect(printed).toEqual(expected);
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
