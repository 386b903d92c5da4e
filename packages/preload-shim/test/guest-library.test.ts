import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, isAbsolute, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { afterEach, expect, it } from 'vitest';
import { GuestError, guestLibrary, isGuestError } from '../src/index.js';

const folders: string[] = [];

afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true });
});

/** A copy of the package without its library, as after a clone. */
async function packageWithoutLibrary(): Promise<{ folder: string; guestLibrary: typeof guestLibrary }> {
  const folder = mkdtempSync(join(tmpdir(), 'vgpu-guest-'));
  folders.push(folder);
  const source = join(dirname(fileURLToPath(import.meta.url)), '..');
  cpSync(join(source, 'src'), join(folder, 'src'), { recursive: true });
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

it('does not take a library without its names', async () => {
  const { folder, guestLibrary } = await packageWithoutLibrary();
  const lib = join(folder, 'build/native/lib');
  mkdirSync(lib, { recursive: true });
  writeFileSync(join(lib, 'libvgpu_cuda.so'), '');
  expect(guestLibrary).toThrow('no guest library');
  mkdirSync(join(lib, 'names'));
  symlinkSync('../libvgpu_cuda.so', join(lib, 'names/libcuda.so.1'));
  expect(guestLibrary()).toEqual({ library: join(lib, 'libvgpu_cuda.so'), directory: join(lib, 'names') });
});

it('recognises its own errors only', () => {
  expect(isGuestError(new GuestError('ERR_VGPU_GUEST_MISSING', 'x'))).toBe(true);
  expect(isGuestError(new Error('x'))).toBe(false);
  expect(isGuestError(null)).toBe(false);
});
