import { chmodSync, readFileSync, writeFileSync } from 'node:fs';
import { headersFirst, headersLast } from '@vgpu/toolchain/headers-last';
import { output } from './commands.js';
import type { Platform } from './platforms.js';

const programs: Readonly<Record<Platform, string>> = {
  'linux-x64': 'strip',
  'linux-arm64': 'aarch64-linux-gnu-strip',
  'win32-x64': 'x86_64-w64-mingw32-strip',
};

/** A copy without what only debuggers read. Program headers that the build has put last are last in the copy. */
export function copyStripped(from: string, to: string, platform: Platform): void {
  const built = readFileSync(from);
  const linked = platform === 'win32-x64' ? built : headersFirst(built);
  writeFileSync(to, linked);
  output(programs[platform], ['--strip-unneeded', to]);
  if (linked !== built) writeFileSync(to, headersLast(readFileSync(to)));
  chmodSync(to, 0o755);
}
