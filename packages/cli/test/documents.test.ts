// What the documents tell people to type is understood by vgpu, and by pnpm. `documents-run.test.ts` runs it.
import { readdirSync, readFileSync } from 'node:fs';
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

it('the README names every package, and no other', () => {
  const readme = readFileSync(join(root, 'README.md'), 'utf8');
  const rows = [...readme.matchAll(/^\| \[packages\/([\w-]+)\]\(packages\/\1\) \|/gm)].map(
    ([, name]) => name,
  );
  const folders = readdirSync(join(root, 'packages'), { withFileTypes: true }).filter((each) =>
    each.isDirectory(),
  );
  expect(rows.toSorted()).toEqual(folders.map(({ name }) => name).toSorted());
});

it('CONTRIBUTING says what .ci/run runs', () => {
  const line =
    /^\| `bash \.ci\/run` \| (.*) \|$/m.exec(readFileSync(join(root, 'CONTRIBUTING.md'), 'utf8'))?.[1] ?? '';
  const script = readFileSync(join(root, '.ci/run'), 'utf8');
  expect(line).not.toBe('');
  for (const name of ['crowd', 'llama', 'valgrind', 'bench']) {
    expect(line.includes(name), name).toBe(new RegExp(`^stage .*${name}`, 'm').test(script));
  }
  const words: Readonly<Record<string, string>> = {
    lockfile: '',
    test: 'tests',
    'native lint': 'lint',
    windows: 'Windows',
    boot: 'test:boot',
  };
  const stages = [...script.matchAll(/^stage "([^"]+)"/gm)].map(([, name = '']) => words[name] ?? name);
  expect(stages.length).toBeGreaterThan(10);
  for (const stage of stages) expect(line).toContain(stage);
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
