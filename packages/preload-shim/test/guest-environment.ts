import { guestLibrary } from '../src/index.js';

/** The environment of a program whose GPU is behind the executor at `url`. */
export function guestEnvironment(
  url: string,
  further: Record<string, string | undefined> = {},
): Record<string, string | undefined> {
  const { library, directory } = guestLibrary();
  return { ...process.env, LD_PRELOAD: library, LD_LIBRARY_PATH: directory, VGPU_EXECUTOR: url, ...further };
}
