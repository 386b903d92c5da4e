// The profiler on a program that nvcc compiled: its numbers are those that can be worked out by hand.

import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { Executor } from '@vgpu/executor';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Builder } from './build-programs.js';
import { guestEnvironment } from './guest-environment.js';

const PROGRAM_TIMEOUT_MS = 60_000;
// A test may find others' builds before its own in the queue.
const TEST_TIMEOUT_MS = 180_000;

const builder = new Builder();
const missing = builder.nvcc ? undefined : 'nvcc is not installed';
const folder = mkdtempSync(join(tmpdir(), 'vgpu-profiler-'));
const profilePath = join(folder, 'events');
let executor: Executor;

beforeAll(async () => {
  if (missing) process.stderr.write(`the profiler's program is skipped: ${missing}\n`);
  executor = await Executor.start({ gpu: 'software', profilePath });
});
afterAll(async () => {
  await executor?.stop();
  rmSync(folder, { recursive: true });
});

interface Event {
  event: 'begin' | 'kernel' | 'end';
  kernel?: Record<string, unknown>;
}

describe.skipIf(missing)('the profiler', () => {
  it(
    'counts saxpy of 5003 values in 40 blocks of 128',
    async () => {
      const program = await builder.build('saxpy_f32.cu');
      const env = guestEnvironment(executor.url);
      await promisify(execFile)(program, { timeout: PROGRAM_TIMEOUT_MS, env });
      await executor.stop();
      const events = readFileSync(profilePath, 'utf8')
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line) as Event);
      const number = (name: string) => events.filter(({ event }) => event === name).length;
      expect(number('end')).toBe(number('begin'));
      expect(events.flatMap(({ kernel }) => (kernel ? [kernel] : []))).toEqual([
        expect.objectContaining({
          name: 'saxpy(int, float, float const*, float*)',
          launches: 1,
          failed: 0,
          shapes: [{ grid: [40, 1, 1], block: [128, 1, 1], launches: 1 }],
          // 160 warps, of which the last three have nothing to do and one has work for 11 lanes.
          branches: 160,
          divergentBranches: 1,
          instructions: expect.arrayContaining([
            { class: 'float32', warpInstructions: 157, threadInstructions: 5003 },
            { class: 'global', warpInstructions: 3 * 157, threadInstructions: 3 * 5003 },
          ]),
          traffic: [
            {
              ...{ space: 'global', operation: 'load', requests: 2 * 157, bytes: 2 * 20_012 },
              ...{ sectors: 2 * 626, bankPasses: 0, bankConflicts: 0 },
            },
            {
              ...{ space: 'global', operation: 'store', requests: 157, bytes: 20_012 },
              ...{ sectors: 626, bankPasses: 0, bankConflicts: 0 },
            },
          ],
        }),
      ]);
    },
    TEST_TIMEOUT_MS,
  );
});
