// A million events from eight threads. What a thread may keep in memory is limited: one that kept its events would end.
import { existsSync, mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { expect, test } from 'vitest';
import type { Telemetry } from '../src/index.js';

const threads = 8;
const total = 1_000_000;
const events = total / threads;

interface Report {
  readonly statistics: ReturnType<Telemetry['statistics']>;
  /** What the listener emitted. */
  readonly answers: number;
  /** Records that reached the sink that counts, and drops that it was told of. */
  readonly seen: number;
  readonly told: number;
  readonly mostPending: number;
}

async function report(thread: number, files: readonly string[]): Promise<Report> {
  const worker = new Worker(new URL('telemetry-load-worker.mjs', import.meta.url), {
    workerData: { events, thread, files },
    resourceLimits: { maxOldGenerationSizeMb: 48, maxYoungGenerationSizeMb: 16 },
  });
  try {
    return await new Promise<Report>((resolve, reject) => {
      worker.once('message', resolve);
      worker.once('error', reject);
      worker.once('exit', (code) => reject(new Error(`the thread ended with ${code} and no report`)));
    });
  } finally {
    await worker.terminate();
  }
}

const full = existsSync('/dev/full') ? ['/dev/full'] : [];
if (full.length === 0) console.warn('left out: a full disk, because there is no /dev/full');

test('a million events from eight threads: every one written or counted as dropped', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'vgpu-resilience-'));
  try {
    const reports = await Promise.all(
      Array.from({ length: threads }, (_, thread) =>
        report(thread, [join(directory, `log-${thread}`), ...full]),
      ),
    );
    let produced = 0;
    for (const { statistics, answers, seen, told, mostPending } of reports) {
      // The sinks, and the listener.
      expect(statistics).toHaveLength(4 + full.length);
      for (const each of statistics) {
        expect(each.produced).toBe(events + answers);
        expect([each.pending, each.written + each.dropped]).toEqual([0, each.produced]);
      }
      const [counting, throwing, file, onFullDisk] = statistics;
      expect(answers).toBe(1000);
      expect([seen, told]).toEqual([counting?.written, counting?.dropped]);
      expect(seen).toBeGreaterThan(0);
      expect(throwing).toMatchObject({ written: 0, lastError: 'this sink always throws' });
      expect(file?.written).toBeGreaterThan(0);
      if (full.length > 0)
        expect(onFullDisk).toMatchObject({ written: 0, lastError: expect.stringContaining('ENOSPC') });
      // What waits, and one batch on its way.
      expect(mostPending).toBeLessThanOrEqual(500 + 256);
      produced += events;
    }
    expect(produced).toBe(total);
    const files = readdirSync(directory);
    expect(files.length).toBeLessThanOrEqual(2 * threads);
    for (const name of files) expect(statSync(join(directory, name)).size).toBeLessThanOrEqual(200_000);
  } finally {
    rmSync(directory, { recursive: true });
  }
}, 600_000);
