// What the documents tell people to type is understood by vgpu, and by pnpm. `documents-run.test.ts` runs it.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { callsIn, parse } from './command-line.js';
import { blocksOf, documents, inlineCommands, root, unmarkedCommands } from './documents.js';

const withCalls = documents.flatMap((document) => {
  const commands = blocksOf(document).flatMap((block) => block.commands);
  const calls = commands
    .map((command) => command.replace(/^((\w+=\S+|sudo|pnpm|npx --no-install) )+(?=vgpu )/, ''))
    .flatMap(callsIn);
  return calls.length === 0 ? [] : [{ path: document.path, calls }];
});

it('there are calls in the documents', () => {
  expect(withCalls.flatMap(({ calls }) => calls).length).toBeGreaterThan(100);
});

describe.each(withCalls)('$path', ({ calls }) => {
  it.each(calls.map((call) => [call.join(' '), call] as const))('vgpu %s', async (_, call) => {
    const { stderr, error } = await parse(call);
    expect(stderr).toBe('');
    expect<unknown>(error ?? { exitCode: 0 }).toMatchObject({ exitCode: 0 });
  });
});

it('every fence with commands says that it has them', () => {
  expect(documents.flatMap(unmarkedCommands)).toEqual([]);
  expect(unmarkedCommands({ path: '', text: '```\nx\n```\n\nvgpu run\n\n```\nvgpu run\n```\n' })).toEqual([
    'vgpu run',
  ]);
});

const scripts = (folder: string) =>
  Object.keys(
    z
      .object({ scripts: z.record(z.string(), z.string()).default({}) })
      .parse(JSON.parse(readFileSync(join(root, folder, 'package.json'), 'utf8'))).scripts,
  );
const ofPnpm = ['--filter', 'add', 'exec', 'install'];

it.each(documents.map((document) => [document.path, inlineCommands(document)] as const))(
  '%s names scripts that there are',
  (path, commands) => {
    const here = path.startsWith('packages/') ? scripts(path.replace('/README.md', '')) : [];
    const known = new Set([...scripts('.'), ...here, ...ofPnpm]);
    const unknown = commands.filter((command) => {
      const [, filter, script = ''] = /^pnpm (?:--filter (\S+) )?(\S+)/.exec(command) ?? [];
      if (filter === undefined) return !known.has(script);
      // `--filter PACKAGE`, `--filter …`: any of them.
      if (!filter.startsWith('@vgpu/')) return false;
      const own = scripts(filter.replace('@vgpu', 'packages'));
      return !own.includes(script) && script !== 'exec';
    });
    expect(unknown).toEqual([]);
  },
);
