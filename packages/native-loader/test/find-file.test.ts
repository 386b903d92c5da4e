import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { diagnose } from '../src/diagnosis.js';
import { findFile, loadAddon, type NativePart } from '../src/index.js';

const here = `${process.platform}-${process.arch}`;
const elsewhere = ['linux-x64', 'linux-arm64'].find((platform) => platform !== here) ?? '';
const host = { platform: process.platform, arch: process.arch, glibc: '2.28', node: '22.1.0' };

let folder: string;
let part: NativePart;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'vgpu-native-'));
  const installed = join(folder, 'node_modules/@vgpu/example');
  write(join(installed, 'dist/index.js'), '');
  manifest(installed, {
    optionalDependencies: { [`@vgpu/example-${here}`]: '1.2.3', [`@vgpu/example-${elsewhere}`]: '1.2.3' },
  });
  part = {
    package: '@vgpu/example',
    from: pathToFileURL(join(installed, 'dist/index.js')).href,
    file: 'bin/tool',
    variable: 'VGPU_EXAMPLE_TOOL',
  };
});

afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(folder, { recursive: true });
});

function write(path: string, text: string, mode = 0o644): string {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
  chmodSync(path, mode);
  return path;
}

function manifest(directory: string, fields: object): void {
  write(join(directory, 'package.json'), JSON.stringify(fields));
}

function install(platform: string, version = '1.2.3'): string {
  const directory = join(folder, `node_modules/@vgpu/example-${platform}`);
  manifest(directory, { version });
  return write(join(directory, 'bin/tool'), '', 0o755);
}

function problem() {
  const found = findFile(part, 'execute');
  if ('value' in found) throw new Error(`found ${found.value}`);
  return found.problem;
}

it('takes the platform package before a build', () => {
  const build = write(join(folder, 'node_modules/@vgpu/example/build/native/bin/tool'), '', 0o755);
  expect(findFile(part, 'execute')).toEqual({ value: build });
  const installed = install(here);
  expect(findFile(part, 'execute')).toEqual({ value: installed });
});

it('takes the file that a variable names, and no other', () => {
  install(here);
  vi.stubEnv('VGPU_EXAMPLE_TOOL', '/nowhere/tool');
  const { message, remedy } = problem();
  expect(message).toContain('VGPU_EXAMPLE_TOOL=/nowhere/tool: ENOENT');
  expect(message.split('\n')).toHaveLength(2);
  expect(remedy).toBe('Set VGPU_EXAMPLE_TOOL to the path of a tool that works here, or unset it.');
});

it('names the package that is not installed, and two commands that bring it', () => {
  const { message, remedy, causes } = problem();
  expect(message).toContain(`no native part of @vgpu/example works on ${here}`);
  expect(message).toContain(`  @vgpu/example-${here}@1.2.3: not installed`);
  expect(message).toMatch(/build\/native\/bin\/tool: ENOENT/);
  expect(remedy).toContain('npm install --include=optional');
  expect(remedy).toContain(`npm install --save-optional @vgpu/example-${here}@1.2.3`);
  expect(causes).toHaveLength(2);
});

it('recognises folders that were installed on another machine', () => {
  install(elsewhere);
  expect(problem().remedy).toContain(`node_modules is of another machine (${elsewhere})`);
});

it('refuses another version', () => {
  install(here, '1.2.2');
  const { message, remedy } = problem();
  expect(message).toContain(`@vgpu/example-${here}@1.2.3: version 1.2.2 is installed instead`);
  expect(remedy).toContain(`@vgpu/example-${here}@1.2.3`);
});

it('says that a file of the package is missing, or not executable', () => {
  chmodSync(install(here), 0o644);
  // Root may read and write everything, but execute nothing without the bit.
  expect(problem().message).toContain('EACCES');
  rmSync(join(folder, `node_modules/@vgpu/example-${here}/bin/tool`));
  const { message, remedy } = problem();
  expect(message).toContain('ENOENT');
  expect(remedy).toContain('Install it again');
});

it('tells a checkout of the sources how to build', () => {
  manifest(join(folder, 'node_modules/@vgpu/example'), {});
  const { message, remedy } = problem();
  expect(message.split('\n')).toHaveLength(2);
  expect(remedy).toBe('Build it: pnpm build.');
});

it('says for which platforms there are packages', () => {
  const { message, remedy } = diagnose(part, { ...host, platform: 'darwin' }, []);
  expect(message).toContain(`darwin-${process.arch}, Node 22.1.0`);
  expect(remedy).toMatch(new RegExp(`It exists for ${here}, ${elsewhere}: use one of these, or build`));
});

it('recognises a system without glibc', () => {
  const { message, remedy } = diagnose(part, { ...host, glibc: undefined }, []);
  expect(message).toContain('with musl');
  expect(remedy).toContain('node:22-slim');
});

it('compares the versions of glibc as numbers', () => {
  const why = "/lib/libc.so.6: version `GLIBC_2.9' not found; version `GLIBC_2.38' not found";
  const { message, remedy } = diagnose(part, host, [{ label: 'tool', why, kind: 'failed' }]);
  expect(message).toContain('(glibc 2.28 found, 2.38 needed)');
  expect(remedy).toContain('Use a system with glibc 2.38 or newer');
});

it('says what the system says of a file that is no addon', () => {
  write(install(here).replace('bin/tool', 'lib/addon.node'), 'no library');
  const found = loadAddon({ ...part, file: 'lib/addon.node' });
  if ('value' in found) throw new Error('loaded');
  expect(found.problem.message).toMatch(/lib\/addon\.node: .*(invalid ELF header|too short|not valid)/);
});

it('says which glibc is needed and which is found', ({ skip }) => {
  const { sharedObjects } = process.report.getReport() as { sharedObjects: string[] };
  const library = sharedObjects.find((path) => path.includes('/libstdc++.so'));
  if (!library) {
    skip('this Node has the C++ library inside');
    return;
  }
  // The same library, made on a system that does not exist yet.
  const bytes = readFileSync(library);
  const needed = /\0GLIBC_2\.\d\d\0/.exec(bytes.toString('latin1'));
  if (!needed) throw new Error('needs no version of glibc');
  bytes.write('GLIBC_9', needed.index + 1, 'latin1');
  const installed = write(install(here).replace('bin/tool', 'lib/addon.node'), '');
  writeFileSync(installed, bytes);
  const found = loadAddon({ ...part, file: 'lib/addon.node' });
  if ('value' in found) throw new Error('loaded');
  expect(found.problem.message).toMatch(/\(glibc \d\.\d+ found, 9\.\d+ needed\)/);
  expect(found.problem.remedy).toMatch(/Use a system with glibc 9\.\d+ or newer/);
});
