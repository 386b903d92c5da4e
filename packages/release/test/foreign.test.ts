import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { expectPlatform, foreignMachinesOf, npmOptions } from '../src/foreign.js';

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'vgpu-foreign-'));
});

afterEach(() => rmSync(folder, { recursive: true }));

const install = (...names: string[]) => {
  for (const name of names) mkdirSync(join(folder, 'node_modules/@vgpu', name), { recursive: true });
};

it('tries those machines that something is packed for, and that this is not', () => {
  const packed = ['@vgpu/a', '@vgpu/a-linux-x64', '@vgpu/a-linux-arm64', '@vgpu/b-win32-x64'];
  const platforms = (names: readonly string[]) =>
    foreignMachinesOf(names, 'linux-x64').map(({ platform }) => platform);
  expect(platforms(packed)).toEqual(['linux-arm64', 'win32-x64']);
  expect(platforms(['@vgpu/a', '@vgpu/a-linux-x64'])).toEqual([]);
});

it('tells npm which machine to choose for', () => {
  expect(npmOptions('linux-arm64')).toEqual(['--os=linux', '--cpu=arm64', '--libc=glibc']);
  expect(npmOptions('win32-x64')).toEqual(['--os=win32', '--cpu=x64']);
});

it('refuses packages of another machine, and none at all', () => {
  install('mmap-native', 'mmap-native-linux-arm64');
  expectPlatform(folder, 'linux-arm64');
  expect(() => expectPlatform(folder, 'win32-x64')).toThrow('mmap-native-linux-arm64');
  install('mmap-native-linux-x64');
  expect(() => expectPlatform(folder, 'linux-arm64')).toThrow('mmap-native-linux-x64');
});

it('says that there is no platform package', () => {
  install('mmap-native');
  expect(() => expectPlatform(folder, 'linux-arm64')).toThrow('no platform package');
});
