import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { z } from 'zod';

const benchmark = join(import.meta.dirname, '../bench/startup.mjs');
const reportSchema = z.object({ addedMs: z.number(), goalMs: z.literal(60), met: z.boolean() });

// Whether the goal is met is for a quiet machine to tell (`pnpm --filter @vgpu/cli bench`). Here it is three times as far off,
// which still tells a wait or a second start of Node from work on a slow or busy machine.
it('adds little to the start of a program with one kernel', { timeout: 120_000, retry: 2 }, () => {
  const { status, stdout, stderr } = spawnSync(process.execPath, [benchmark, '--json', '--rounds', '15'], {
    encoding: 'utf8',
  });
  expect(stderr).toBe('');
  const { addedMs, goalMs, met } = reportSchema.parse(JSON.parse(stdout));
  expect(status).toBe(met ? 0 : 1);
  expect(addedMs).toBeLessThan(3 * goalMs);
});
