import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { publishedReadme } from '../src/readme.js';
import { publicPackages, root } from '../src/workspace.js';

const repository = 'https://example.org/owner/name';
const options = { folder: 'array', repository, isPacked: (path: string) => path === 'LICENSE' };

it('makes links out of the package absolute', () => {
  const text =
    'See [the format](../../docs/file-format.md#slots),\n[`@vgpu/format`](../format) and [more](README.md).';
  expect(publishedReadme(text, options)).toBe(
    `See [the format](${repository}/blob/HEAD/docs/file-format.md#slots),\n` +
      `[\`@vgpu/format\`](${repository}/blob/HEAD/packages/format) and ` +
      `[more](${repository}/blob/HEAD/packages/array/README.md).`,
  );
});

it('leaves other links as they are', () => {
  const text = '[site](https://example.org/), [below](#use), [licence](LICENSE)';
  expect(publishedReadme(text, options)).toBe(text);
});

it('keeps the words alone where nobody knows the repository', () => {
  expect(
    publishedReadme('See [the format](../../docs/file-format.md).', { ...options, repository: undefined }),
  ).toBe('See the format.');
});

it('refuses a link to what does not exist', () => {
  expect(() => publishedReadme('[a](../../docs/nothing.md)', options)).toThrow(
    '../../docs/nothing.md does not exist',
  );
});

it.each(publicPackages())('leaves no link in the README of %s that a registry would break', (folder) => {
  const text = readFileSync(join(root, 'packages', folder, 'README.md'), 'utf8');
  for (const repositoryOrNone of [repository, undefined]) {
    const published = publishedReadme(text, { folder, repository: repositoryOrNone, isPacked: () => false });
    expect(published).not.toMatch(/\]\((?!https?:|#)/);
  }
});
