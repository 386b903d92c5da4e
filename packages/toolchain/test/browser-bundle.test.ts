import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runInNewContext } from 'node:vm';
import { afterAll, expect, test } from 'vitest';
import { browserBundle } from '../src/browser-bundle.mjs';

const directory = mkdtempSync(join(tmpdir(), 'vgpu-browser-bundle-'));
afterAll(() => rmSync(directory, { recursive: true }));

function entry(source: string): string {
  const path = join(directory, 'entry.ts');
  writeFileSync(path, source);
  return path;
}

test('a module becomes a script that sets the global variable', async () => {
  const { code, nodeImports } = await browserBundle(entry('export const answer: number = 42;'), 'example');
  expect(nodeImports).toEqual([]);
  expect(runInNewContext(`${code}; example.answer`)).toBe(42);
});

test('an import of Node is noticed', async () => {
  const reading = entry("import { readFileSync } from 'node:fs'; readFileSync('x');");
  await expect(browserBundle(reading, 'example')).rejects.toThrow(/node:fs/);
});
