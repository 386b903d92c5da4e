// Tests that preload libraries into programs, or look into /proc.
import { describe } from 'vitest';

const linux = process.platform === 'linux';
if (!linux) console.log('skipped: power cuts, kills and failing system calls are tested on Linux only');

export function describeOnLinux(name: string, tests: () => void): void {
  describe.runIf(linux)(name, tests);
}
