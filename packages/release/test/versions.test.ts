import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { output } from '../src/commands.js';
import { publicPackages, readManifest, root } from '../src/workspace.js';

let copy: string;

/** The workspace's manifests, all at 0.1.0, in a repository of their own. */
beforeEach(() => {
  copy = mkdtempSync(join(tmpdir(), 'vgpu-versions-'));
  for (const name of ['package.json', 'pnpm-workspace.yaml', '.changeset/config.json']) {
    cpSync(join(root, name), join(copy, name), { recursive: true });
  }
  for (const folder of readdirSync(join(root, 'packages'))) {
    mkdirSync(join(copy, 'packages', folder), { recursive: true });
    const text = readFileSync(join(root, 'packages', folder, 'package.json'), 'utf8');
    writeFileSync(
      join(copy, 'packages', folder, 'package.json'),
      text.replace(/"version": "[^"]*"/, '"version": "0.1.0"'),
    );
  }
});

afterEach(() => {
  rmSync(copy, { recursive: true });
});

/** The packages whose version changes, and their new versions. */
function versionsAfter(changesets: Readonly<Record<string, string>>): Record<string, string> {
  for (const [name, text] of Object.entries(changesets)) writeFileSync(join(copy, '.changeset', name), text);
  const git = ['-c', 'user.name=test', '-c', 'user.email=test@localhost'];
  output('git', ['init', '--quiet'], { cwd: copy });
  output('git', ['add', '--all'], { cwd: copy });
  output('git', [...git, 'commit', '--quiet', '--message', 'start'], { cwd: copy });
  output(join(root, 'node_modules/.bin/changeset'), ['version'], { cwd: copy });
  const all = readdirSync(join(copy, 'packages')).map((folder) =>
    readManifest(join(copy, 'packages', folder)),
  );
  return Object.fromEntries(
    all.filter(({ version }) => version !== '0.1.0').map(({ name, version }) => [name, version]),
  );
}

function change(name: string, bump: string): Record<string, string> {
  return { 'change.md': `---\n'${name}': ${bump}\n---\n\nA change.\n` };
}

it('lets a compatible change in one package bump that package, and nobody else', () => {
  expect(versionsAfter(change('@vgpu/format', 'patch'))).toEqual({ '@vgpu/format': '0.1.1' });
});

it('bumps dependents whose range a change leaves, and theirs only where it leaves them too', () => {
  expect(versionsAfter(change('@vgpu/format', 'minor'))).toEqual({
    '@vgpu/format': '0.2.0',
    '@vgpu/array': '0.1.1',
    '@vgpu/cli': '0.1.1',
  });
});

it('releases everything anew that speaks the protocol when that changes', () => {
  expect(versionsAfter(change('@vgpu/protocol', 'patch'))).toEqual({
    '@vgpu/protocol': '0.1.1',
    '@vgpu/executor': '0.1.1',
    '@vgpu/preload-shim': '0.1.1',
    '@vgpu/cli': '0.1.1',
  });
});

it('does not take a new executor for a breaking change of those that may use one', () => {
  expect(versionsAfter(change('@vgpu/executor', 'minor'))).toEqual({
    '@vgpu/executor': '0.2.0',
    '@vgpu/cli': '0.1.1',
  });
});

it('makes versions of the changesets that wait, none of which names a private package', () => {
  const waiting = readdirSync(join(root, '.changeset')).filter(
    (name) => name.endsWith('.md') && name !== 'README.md',
  );
  const texts = waiting.map((name) => [name, readFileSync(join(root, '.changeset', name), 'utf8')]);
  const names = publicPackages().map((folder) => readManifest(join(root, 'packages', folder)).name);
  for (const [name, version] of Object.entries(versionsAfter(Object.fromEntries(texts)))) {
    expect(names).toContain(name);
    expect(version).toMatch(/^0\./);
  }
});
