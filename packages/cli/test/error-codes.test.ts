import { join } from 'node:path';
import { expect, it } from 'vitest';
import { remedies } from '../generated/remedies.js';
import { CliError, describeError } from '../src/errors.js';
import { errorDocument } from '../src/output/json.js';
import { definedCodes, namedCodes } from '../src/reference/error-codes.js';

const root = join(import.meta.dirname, '../../..');
const codes = definedCodes(root);

it('every code that the sources name is defined once, with cause and remedy', () => {
  expect(codes.map(({ code }) => code)).toEqual([...namedCodes(root)].sort());
  expect(codes.length).toBeGreaterThan(100);
});

it.each(codes)('$code has sentences', ({ cause, remedy }) => {
  for (const text of [cause, remedy]) expect(text).toMatch(/^[`.A-Z].*[^.]\.$/);
});

it('what is generated is of these codes', () => {
  expect(remedies).toEqual(Object.fromEntries(codes.map(({ code, remedy }) => [code, remedy])));
});

it('an error without a remedy of its own gets that of its code', () => {
  const own = new CliError('ERR_VGPU_FILE_IO', 'no', { remedy: 'Do this.' });
  expect(describeError(own)).toBe('vgpu: no [ERR_VGPU_FILE_IO]\n  remedy: Do this.\n');
  const bare = new CliError('ERR_VGPU_FILE_IO', 'no');
  expect(describeError(bare)).toContain(`\n  remedy: ${remedies.ERR_VGPU_FILE_IO}\n`);
  expect(errorDocument(bare).remedy).toBe(remedies.ERR_VGPU_FILE_IO);
});
