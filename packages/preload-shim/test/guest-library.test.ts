import {
  cpSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, isAbsolute, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { afterEach, expect, it, vi } from 'vitest';
import { GuestError, guestLibrary, isGuestError, LIBRARY_NAMES } from '../src/index.js';
import { namesFolder } from '../src/names-folder.js';

const folders: string[] = [];

afterEach(() => {
  vi.unstubAllEnvs();
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true });
});

/** A copy of the package without its library, as after a clone. */
async function packageWithoutLibrary(): Promise<{ folder: string; guestLibrary: typeof guestLibrary }> {
  const folder = mkdtempSync(join(tmpdir(), 'vgpu-guest-'));
  folders.push(folder);
  const source = join(dirname(fileURLToPath(import.meta.url)), '..');
  cpSync(join(source, 'src'), join(folder, 'src'), { recursive: true });
  symlinkSync(join(source, 'node_modules'), join(folder, 'node_modules'));
  writeFileSync(join(folder, 'package.json'), '{ "type": "module" }');
  const module = await import(pathToFileURL(join(folder, 'src/index.ts')).href);
  return { folder, guestLibrary: module.guestLibrary };
}

it('gives absolute paths', () => {
  const { library, directory } = guestLibrary();
  expect(isAbsolute(library)).toBe(true);
  expect(isAbsolute(directory)).toBe(true);
});

it('says what it looked for when there is no library, and what to run', async () => {
  const { folder, guestLibrary } = await packageWithoutLibrary();
  let error: unknown;
  try {
    guestLibrary();
  } catch (thrown) {
    error = thrown;
  }
  if (!isGuestError(error)) throw new Error('no GuestError', { cause: error });
  expect(error.code).toBe('ERR_VGPU_GUEST_MISSING');
  expect(error.message).toContain(join(folder, 'build/native/lib/libvgpu_cuda.so'));
  expect(error.remedy).toContain('build');
});

it('makes the names that an installed package cannot have, once', async () => {
  const { folder, guestLibrary } = await packageWithoutLibrary();
  const lib = join(folder, 'build/native/lib');
  mkdirSync(lib, { recursive: true });
  const library = join(lib, 'libvgpu_cuda.so');
  writeFileSync(library, '');
  expect(guestLibrary()).toEqual({ library, directory: join(lib, 'names') });
  for (const name of LIBRARY_NAMES)
    expect(realpathSync(join(lib, 'names', name))).toBe(realpathSync(library));
  const made = lstatSync(join(lib, 'names/libcuda.so.1')).ino;
  guestLibrary();
  expect(lstatSync(join(lib, 'names/libcuda.so.1')).ino).toBe(made);
  expect(readdirSync(lib).sort()).toEqual(['libvgpu_cuda.so', 'names']);
});

it('completes the names when one is missing or of another library', async () => {
  const { folder, guestLibrary } = await packageWithoutLibrary();
  const names = join(folder, 'build/native/lib/names');
  mkdirSync(names, { recursive: true });
  writeFileSync(join(folder, 'build/native/lib/libvgpu_cuda.so'), '');
  symlinkSync('/bin/true', join(names, 'libcuda.so.1'));
  const { library, directory } = guestLibrary();
  expect(directory).toBe(names);
  expect(realpathSync(join(names, 'libcuda.so.1'))).toBe(realpathSync(library));
});

it('takes the cache where nothing can be written beside the library, and names both where neither can', () => {
  const cache = mkdtempSync(join(tmpdir(), 'vgpu-guest-'));
  folders.push(cache);
  // A folder that not even root can write to.
  const library = '/proc/version';
  vi.stubEnv('XDG_CACHE_HOME', cache);
  const names = namesFolder(library, 'names');
  expect(names.startsWith(join(cache, 'vgpu/names-'))).toBe(true);
  expect(realpathSync(join(names, 'libcuda.so.1'))).toBe(library);

  vi.stubEnv('XDG_CACHE_HOME', '/dev/null');
  let error: unknown;
  try {
    namesFolder(library, 'names');
  } catch (thrown) {
    error = thrown;
  }
  if (!isGuestError(error)) throw new Error('no GuestError', { cause: error });
  expect(error.code).toBe('ERR_VGPU_GUEST_NAMES');
  expect(error.message).toMatch(/\/proc\/names.*\/dev\/null\/vgpu/);
  expect(error.remedy).toContain('XDG_CACHE_HOME');
});

it('offers the names that the build offers', () => {
  expect(readdirSync(guestLibrary().directory).sort()).toEqual([...LIBRARY_NAMES].sort());
});

it('recognises its own errors only', () => {
  expect(isGuestError(new GuestError('ERR_VGPU_GUEST_MISSING', 'x'))).toBe(true);
  expect(isGuestError(new Error('x'))).toBe(false);
  expect(isGuestError(null)).toBe(false);
});
