// Every call of vgpu that the documents show is one that vgpu understands.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { callsIn, parse } from './command-line.js';

const root = join(import.meta.dirname, '../../..');
const documents = [
  'README.md',
  ...readdirSync(join(root, 'docs'))
    .filter((name) => name.endsWith('.md'))
    .map((name) => join('docs', name)),
  ...readdirSync(join(root, 'packages')).map((name) => join('packages', name, 'README.md')),
].flatMap((path) => {
  const text = readFileSync(join(root, path), 'utf8');
  const shell = [...text.matchAll(/^```(?:sh|console)?\n([\s\S]*?)^```$/gm)].map(([, block = '']) => block);
  // A line may end with a backslash and go on; usage lines with their brackets and capitals are no calls;
  // behind a wide gap is what a line means.
  const lines = shell.join('\n').replaceAll('\\\n', ' ').split('\n');
  const calls = lines
    .map((line) =>
      line
        .trim()
        .replace(/^\$ /, '')
        .replace(/ {4,}.*$/, '')
        .replace(/^((\w+=\S+|sudo|pnpm) )+(?=vgpu )/, ''),
    )
    .filter((line) => !/[[\]]|\b[A-Z]{2,}(\.{3})?\b(?!=)|… /.test(line.replace(/'[^']*'/g, '')))
    .flatMap(callsIn);
  return calls.length === 0 ? [] : [{ path, calls }];
});

it('there are calls in the documents', () => {
  expect(documents.flatMap(({ calls }) => calls).length).toBeGreaterThan(40);
});

describe.each(documents)('$path', ({ calls }) => {
  it.each(calls.map((call) => [call.join(' '), call] as const))('vgpu %s', async (_, call) => {
    const { stderr, error } = await parse(call);
    expect(stderr).toBe('');
    expect<unknown>(error ?? { exitCode: 0 }).toMatchObject({ exitCode: 0 });
  });
});
