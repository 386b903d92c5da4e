// What the playground shows, for every file that others have made and every way to break one.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { explain } from '../src/playground.js';

const golden = join(import.meta.dirname, '../../format/test/golden');
const filesIn = (folder: string) =>
  readdirSync(folder)
    .filter((file) => file.endsWith('.pycauset'))
    .map((file) => join(folder, file));
const verdicts: Readonly<Record<string, unknown>> = JSON.parse(
  readFileSync(join(golden, '../broken-verdicts.json'), 'utf8'),
);

it.each(filesIn(golden))('%s is explained', (file) => {
  const { sections, grid, error } = explain(new Uint8Array(readFileSync(file)));
  const title = sections.map((section) => section.title).join();
  expect(title).toMatch(/^File,Slot A( \(active\))?,Slot B/);
  const empty = /\b0 × |× 0\b/.test(grid?.shape ?? '');
  if (error === undefined) expect(grid?.rows.flat().length === 0).toBe(empty);
  // PyCauset saves some structures without saying so.
  else expect(error.code).toMatch(/UNIDENTIFIED|BLOCKS/);
});

it.each(filesIn(join(golden, 'broken')))('%s is refused, or read with warnings', (file) => {
  const verdict = verdicts[file.replace(/^.*\/|\.pycauset$/g, '')];
  const { sections, warnings, error } = explain(new Uint8Array(readFileSync(file)));
  // Of these the playground shows what there is.
  if (verdict === 'SIMPLE_FILE') return expect(sections.at(-1)?.title).toBe('Simple file');
  if (typeof verdict === 'string') expect(error?.code).toBe(`ERR_VGPU_FORMAT_${verdict}`);
  else expect(warnings.map(({ code }) => code)).toEqual(expect.arrayContaining(verdict as string[]));
});

it('a file of something else is named as such', () => {
  const { sections, error } = explain(new TextEncoder().encode('hello'));
  expect(sections[0]?.rows[0]).toEqual(['kind', 'unknown']);
  expect(error?.code).toBe('ERR_VGPU_FORMAT_BAD_MAGIC');
});
