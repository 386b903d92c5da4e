import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { z } from 'zod';

const benchmark = join(import.meta.dirname, '../bench/startup.mjs');
const reportSchema = z.object({ addedMs: z.number(), goalMs: z.literal(60) });

// Tried again because another process may take the processor in the middle of it.
it('adds less than 60 ms to the start of a program with one kernel', { timeout: 120_000, retry: 2 }, () => {
  const { status, stdout, stderr } = spawnSync(process.execPath, [benchmark, '--json', '--rounds', '15'], {
    encoding: 'utf8',
  });
  // 1 says that the goal was not met; then the report tells why.
  expect({ status, stdout, stderr }, stdout).toMatchObject({ status: 0, stderr: '' });
  const { addedMs, goalMs } = reportSchema.parse(JSON.parse(stdout));
  expect(addedMs).toBeLessThan(goalMs);
});
