import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { documentExamples, runExample } from '@vgpu/toolchain/document-examples';
import { expect, test } from 'vitest';
import { cudaFaults } from '../src/index.js';

const packageDirectory = join(dirname(fileURLToPath(import.meta.url)), '..');
const readme = readFileSync(join(packageDirectory, 'README.md'), 'utf8');
const examples = documentExamples(join(packageDirectory, 'README.md'));

test('the README has examples', () => {
  expect(examples.length).toBeGreaterThanOrEqual(4);
});

test.each(examples)('example: $title', async ({ source, prints }) => {
  expect(prints.length).toBeGreaterThan(0);
  expect(await runExample(source, packageDirectory)).toEqual(prints);
});

test('the README names every error code and no other', () => {
  const table = [...readme.matchAll(/^\| `([A-Z_]+)` \|/gm)].map((match) => match[1]);
  const source = readFileSync(join(packageDirectory, 'src/errors.ts'), 'utf8');
  const codes = new Set([...source.matchAll(/'ERR_VGPU_RESILIENCE_([A-Z_]+)'/g)].map((match) => match[1]));
  expect(table.sort()).toEqual([...codes].sort());
});

test('the README’s table has the codes of the driver, kind by kind', () => {
  const rows = new Map(
    [...readme.matchAll(/^\| `([a-z-]+)` \| ([^|]*) \|/gm)].map(([, kind, codes]) => [kind, codes]),
  );
  for (const { code, driver, kind } of cudaFaults) {
    if (driver === null) continue;
    const named = [...((rows.get(kind) ?? '').split(';')[0]?.matchAll(/(\d+)(?:–(\d+))?/g) ?? [])];
    const ranges = named.map(([, from, to]) => [Number(from), Number(to ?? from)] as const);
    expect(
      ranges.some(([from, to]) => from <= code && code <= to),
      `${code} in the row ${kind}`,
    ).toBe(true);
  }
});
