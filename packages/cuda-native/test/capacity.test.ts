// The crash that came every 15 seconds: a sort that was told to process more elements than its buffers held.
import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Executor } from '@vgpu/executor';
import { guestLibrary } from '@vgpu/preload-shim';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createSession } from '../src/index.js';
import { native } from '../src/native.js';

// The guest library looks there when it connects: on a busy machine that may take a while.
process.env.VGPU_CONNECT_TIMEOUT_MS = '60000';

const program = join(import.meta.dirname, '..', 'build/native/test/counts_above_capacity');
const folder = mkdtempSync(join(tmpdir(), 'vgpu-capacity-'));
const reportPath = join(folder, 'findings.jsonl');
let executor: Executor;

beforeAll(async () => {
  executor = await Executor.start({ gpu: 'software', check: { checks: ['memory'], reportPath } });
});
afterAll(async () => {
  await executor?.stop();
  rmSync(folder, { recursive: true });
});

const findings = () =>
  readFileSync(reportPath, 'utf8')
    .split('\n')
    .filter((line) => line.includes('"event":"finding"'))
    .join('\n');

describe.each(['cpu', 'gpu'] as const)('on the %s', (device) => {
  const open = () =>
    createSession(
      device === 'cpu'
        ? { device }
        : { device, isolation: 'process', executor: executor.url, fallback: 'never' },
    );

  it('a count above the capacity is refused, with both numbers, and nothing is written', async () => {
    await using session = await open();
    const keys = Uint32Array.from({ length: 1000 }, (_, i) => 1000 - i);
    const values = keys.slice();
    const error = await session
      .sortPairs(keys, values, { count: 1200, outKeys: keys, outValues: values })
      .catch((caught: unknown) => caught);
    expect(error).toBeInstanceOf(RangeError);
    expect(error).toMatchObject({
      code: 'ERR_VGPU_COMPUTE_CAPACITY',
      message: expect.stringMatching(/1200.*1000/),
    });
    expect(keys[0]).toBe(1000);
    expect((await session.sortPairs(keys, values)).value.keys[0]).toBe(1);
  });

  it('so it is by the addon, which TypeScript has not checked anything for', () => {
    const addon = native();
    const engine = device === 'cpu' ? addon : new addon.Gpu(guestLibrary().library, 1e9, executor.url);
    const keys = new Uint32Array(1000);
    const stop = new Int32Array(new SharedArrayBuffer(4));
    expect(() => engine.sortPairs(stop, 1e9, keys, keys.slice(), false, keys, keys.slice(), 1200)).toThrow(
      expect.objectContaining({ kind: 'capacity', first: 1200, second: 1000 }),
    );
  });
});

const run = (mode: 'honest' | 'lying') =>
  new Promise<{ code: unknown; stdout: string }>((resolve) => {
    const env = { ...process.env, VGPU_EXECUTOR: executor.url };
    execFile(program, [guestLibrary().library, mode], { env, timeout: 60_000 }, (error, stdout) =>
      resolve({ code: error ? error.code : 0, stdout }),
    );
  });

describe('kernels that are launched with such a count all the same', { timeout: 120_000 }, () => {
  it('stay inside their buffers', async () => {
    expect(await run('honest')).toEqual({ code: 0, stdout: 'ok 33 kernels\n' });
    expect(findings()).toBe('');
  });

  it('would have been found otherwise', async () => {
    expect(await run('lying')).toMatchObject({ code: 1, stdout: expect.stringMatching(/^700: /) });
    expect(findings()).toContain('fill_u32');
  });
});
