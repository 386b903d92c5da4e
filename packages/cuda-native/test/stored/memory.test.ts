// The memory that operations take is bounded by the limit, whatever the size of the arrays.
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { newFolder } from './arrays.js';

const MiB = 2 ** 20;
/** What the JavaScript engine, thread stacks and caches of the allocator may add. */
const slack = 48 * MiB;

// clear_refs resets the peak that the system counts.
test.skipIf(!existsSync('/proc/self/clear_refs')).each([
  // 256 MiB of arrays, and as much scratch space.
  ['sortPairs', 16 * MiB],
  // 61 MB of arrays.
  ['matmul', 8 * MiB],
  ['sum', 6 * MiB],
  // 64 MiB of points.
  ['nearestNeighbours', 8 * MiB],
] as const)('%s of arrays on disk in %i bytes', (operation, limit) => {
  const child = join(import.meta.dirname, 'memory-child.mjs');
  const text = execFileSync(process.execPath, [child, operation, newFolder(), String(limit)], {
    encoding: 'utf8',
  });
  const { memoryBytes, grown } = JSON.parse(text) as { memoryBytes: number; grown: number };
  expect(memoryBytes).toBeLessThanOrEqual(limit);
  expect(memoryBytes).toBeGreaterThan(limit / 4);
  expect(grown).toBeLessThan(limit + slack);
});
