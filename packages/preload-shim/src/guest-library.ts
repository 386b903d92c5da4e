import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { GuestError } from './errors.js';

export interface GuestLibrary {
  /** Absolute path of libvgpu_cuda.so, for LD_PRELOAD. */
  readonly library: string;
  /** Absolute path of the folder that offers it as libcuda.so.1, libcudart.so.13 …, for LD_LIBRARY_PATH. */
  readonly directory: string;
}

// From src/ and from dist/ alike.
const built = fileURLToPath(new URL('../build/native/lib', import.meta.url));

/** @throws GuestError ERR_VGPU_GUEST_MISSING, naming what is not there. */
export function guestLibrary(): GuestLibrary {
  const library = join(built, 'libvgpu_cuda.so');
  const directory = join(built, 'names');
  const missing = [library, join(directory, 'libcuda.so.1')].filter((path) => !existsSync(path));
  if (missing.length > 0) {
    throw new GuestError(
      'ERR_VGPU_GUEST_MISSING',
      `there is no guest library: missing ${missing.join(', ')}`,
      {
        remedy: 'build it: pnpm build',
      },
    );
  }
  return { library, directory };
}
