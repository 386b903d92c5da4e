import { join } from 'node:path';
import { documentExamples, runExample } from '@vgpu/toolchain/document-examples';
import { expect, test } from 'vitest';

const packageDirectory = join(import.meta.dirname, '../..');
const examples = documentExamples(join(packageDirectory, '../../docs/compute-on-disk.md'));

test('the guide has examples', () => {
  expect(examples.map(({ title }) => title)).toEqual(['From TypeScript', 'After a crash']);
});

test.each(examples)('example: $title', async ({ source, prints }) => {
  expect(prints.length).toBeGreaterThan(0);
  expect(await runExample(source, packageDirectory)).toEqual(prints);
});
