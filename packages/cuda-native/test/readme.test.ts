import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { documentExamples, runExample } from '@vgpu/toolchain/document-examples';
import { expect, test } from 'vitest';
import { createSession } from '../src/index.js';
import { Operations } from '../src/operations/operations.js';
import * as onDisk from '../src/stored/index.js';

const packageDirectory = join(dirname(fileURLToPath(import.meta.url)), '..');
const readme = readFileSync(join(packageDirectory, 'README.md'), 'utf8');
const examples = documentExamples(join(packageDirectory, 'README.md'));

test('the README has examples', () => {
  expect(examples.length).toBeGreaterThanOrEqual(3);
});

test.each(examples)('example: $title', async ({ source, prints }) => {
  expect(prints.length).toBeGreaterThan(0);
  expect(await runExample(source, packageDirectory)).toEqual(prints);
});

test('the README names every error code and no other', () => {
  const table = [...readme.matchAll(/^\| `([A-Z_]+)` \|/gm)].map((match) => match[1]);
  const source = readFileSync(join(packageDirectory, 'src/errors.ts'), 'utf8');
  const codes = new Set([...source.matchAll(/'ERR_VGPU_COMPUTE_([A-Z_]+)'/g)].map((match) => match[1]));
  expect(table.sort()).toEqual([...codes].sort());
});

const architecture = readFileSync(join(packageDirectory, '../../docs/compute.md'), 'utf8');

test.each([
  ['the README', readme],
  ['docs/compute.md', architecture],
])('%s names every operation and no other', async (_name, text) => {
  await using session = await createSession({ device: 'cpu' });
  const table = [...text.matchAll(/^\| (`[a-z].*?) \|/gm)].flatMap((match) =>
    [...(match[1] ?? '').matchAll(/`(\w+)`/g)].map((name) => name[1]),
  );
  const operations: string[] = [];
  for (let family = session; family !== Operations.prototype; family = Object.getPrototypeOf(family)) {
    operations.push(...Object.getOwnPropertyNames(family).filter((name) => name !== 'constructor'));
  }
  expect(table.sort()).toEqual(operations.sort());
});

test('docs/compute.md says which operations there are on disk', () => {
  const rows = [...architecture.matchAll(/^\| (`[a-z].*?) \|.*\| (yes|`.*?)(?: and (`\w+`))? \|$/gm)];
  const listed = rows.flatMap(([, names = '', some = '', other = '']) =>
    [...(some === 'yes' ? names : some + other).matchAll(/`(\w+)`/g)].map((name) => name[1]),
  );
  expect(listed.sort()).toEqual(Object.keys(onDisk).sort());
});
