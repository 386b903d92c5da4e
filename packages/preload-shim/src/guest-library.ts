import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { GuestError } from './errors.js';

export interface GuestLibrary {
  /** Absolute path of libvgpu_cuda.so, for LD_PRELOAD. */
  readonly library: string;
  /** Absolute path of the folder that offers it as libcuda.so.1, libcudart.so.13 …, for LD_LIBRARY_PATH. */
  readonly directory: string;
}

const packageDirectory = join(dirname(fileURLToPath(import.meta.url)), '..');

/** The package with the prebuilt library; there is one per platform. */
function prebuiltDirectory(): string | undefined {
  const name = `@vgpu/preload-shim-${process.platform}-${process.arch}`;
  try {
    return join(dirname(createRequire(import.meta.url).resolve(`${name}/package.json`)), 'lib');
  } catch {
    // Not installed: normal in a checkout, where the library is built.
    return undefined;
  }
}

/**
 * Where the guest library lies: prebuilt, or built in this checkout.
 * @throws GuestError ERR_VGPU_GUEST_MISSING when it is in neither place.
 */
export function guestLibrary(): GuestLibrary {
  const tried: string[] = [];
  for (const folder of [prebuiltDirectory(), join(packageDirectory, 'build/native/lib')]) {
    if (folder === undefined) continue;
    const library = join(folder, 'libvgpu_cuda.so');
    const directory = join(folder, 'names');
    if (existsSync(library) && existsSync(join(directory, 'libcuda.so.1'))) return { library, directory };
    tried.push(library);
  }
  throw new GuestError(
    'ERR_VGPU_GUEST_MISSING',
    `there is no guest library: looked for ${tried.join(', ')}`,
    {
      remedy: 'build it: npx -y pnpm@12.21.0 build',
    },
  );
}
