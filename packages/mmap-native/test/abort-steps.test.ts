import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { MappedFile, replaceFileAsync, ScratchMemory } from '../src/index.js';

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'vgpu-abort-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

/** A signal that is aborted from the moment in which it is looked at for the n-th time. */
function abortedAt(look: number): { signal: AbortSignal; looks: () => number } {
  const { signal } = new AbortController();
  let looks = 0;
  Object.defineProperty(signal, 'aborted', { get: () => looks++ >= look });
  return { signal, looks: () => looks };
}

/** Aborts the work at each of its steps in turn, until it gets through. */
async function abortEverywhere(work: (signal: AbortSignal) => Promise<void>, left: readonly string[]) {
  for (let look = 0; look < 100; look++) {
    const { signal, looks } = abortedAt(look);
    const failure = await work(signal).then(
      () => undefined,
      (error: unknown) => error,
    );
    if (failure === undefined) {
      expect(looks()).toBeLessThanOrEqual(look);
      return look;
    }
    expect(failure).toMatchObject({ code: 'ERR_VGPU_MMAP_ABORTED' });
    expect([look, readdirSync(folder)]).toEqual([look, left]);
  }
  throw new Error('it never got through');
}

describe('aborted at whichever step, nothing stays behind', () => {
  it('replaceFileAsync', async () => {
    const path = join(folder, 'file');
    writeFileSync(path, 'old');
    const steps = await abortEverywhere(
      (signal) => replaceFileAsync(path, (file) => file.write(0, Buffer.from('new')), { size: 3, signal }),
      ['file'],
    );
    expect(steps).toBeGreaterThan(5);
    expect(readFileSync(path, 'utf8')).toBe('new');
  });

  it('MappedFile.createAsync', async () => {
    const path = join(folder, 'file');
    const create = async (signal: AbortSignal) =>
      (await MappedFile.createAsync(path, { size: 1, signal })).close();
    expect(await abortEverywhere(create, [])).toBeGreaterThan(1);
  });

  it('ScratchMemory.createAsync', async () => {
    const options = { directory: folder, named: true };
    const create = async (signal: AbortSignal) =>
      (await ScratchMemory.createAsync(1, { ...options, signal })).close();
    expect(await abortEverywhere(create, [])).toBeGreaterThan(1);
  });
});
