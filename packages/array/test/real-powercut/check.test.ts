import {
  closeSync,
  copyFileSync,
  mkdtempSync,
  openSync,
  readdirSync,
  rmSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { checkFolder } from './check.js';
import { Performer } from './guest/perform.js';
import { statesAfter, steps } from './workload.js';

/** Two rounds, and then the third in-place update has begun. */
const done = steps.findIndex((step) => step.kind === 'begin in place' && step.version === 2) + 1;

let master: string;
let folder: string;

beforeAll(async () => {
  master = mkdtempSync(join(tmpdir(), 'vgpu-check-master-'));
  await using performer = new Performer(master);
  for (const step of steps.slice(0, done)) await performer.perform(step);
});
afterAll(() => rmSync(master, { recursive: true }));

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'vgpu-check-'));
  for (const name of readdirSync(master)) copyFileSync(join(master, name), join(folder, name));
});
afterEach(() => rmSync(folder, { recursive: true }));

async function problemsOf(acknowledged: number): Promise<string[]> {
  const { problems } = await checkFolder(folder, acknowledged);
  return problems.map((problem) => `${problem.file} ${problem.kind}`);
}

describe('checkFolder', () => {
  it('is content when all acknowledged steps are there', async () => {
    expect(await checkFolder(folder, done)).toEqual({
      problems: [],
      files: statesAfter(done).size,
      inFlight: 'old',
      repaired: 1,
    });
  });

  it('is content when the step in flight is there too', async () => {
    expect(await checkFolder(folder, done - 1)).toMatchObject({ problems: [], inFlight: 'new', repaired: 1 });
  });

  it('notices a lost version', async () => {
    const next = steps.findIndex((step) => step.file === 'atomic.pycauset' && step.version === 4);
    expect(await problemsOf(next + 1)).toContain('atomic.pycauset lost');
  });

  it('notices a lost file', async () => {
    rmSync(join(folder, 'replaced.pycauset'));
    expect(await problemsOf(done)).toEqual(['replaced.pycauset lost']);
  });

  it('notices a version too early, and a file', async () => {
    expect(await problemsOf(2)).toEqual(
      expect.arrayContaining(['atomic.pycauset early', 'sparse.pycauset early', 'replaced.pycauset early']),
    );
  });

  it('notices that an in-place update was not announced', async () => {
    expect(await problemsOf(done - 2)).toEqual(['in-place.pycauset early']);
  });

  it.each(['atomic.pycauset', 'in-place.pycauset', 'replaced.pycauset'])(
    'notices a wrong byte in %s',
    async (file) => {
      damage(join(folder, file));
      expect(await problemsOf(done)).toEqual([`${file} damaged`]);
    },
  );

  it('notices what cannot be cleaned up', async () => {
    writeFileSync(join(folder, 'forgotten.tmp'), '');
    expect(await problemsOf(done)).toEqual(['forgotten.tmp left over']);
  });

  it('lets the package clean up after an interrupted create', async () => {
    writeFileSync(join(folder, 'vgpu-1-0123456789abcdef.tmp'), '');
    expect(await problemsOf(done)).toEqual([]);
  });
});

/** Changes bytes in every page but the header's: one of them belongs to the payload. */
function damage(path: string): void {
  const file = openSync(path, 'r+');
  for (let page = 1; page <= 16; page += 1)
    writeSync(file, Buffer.from([1, 2, 3, 4, 5, 6, 7]), 0, 7, page * 4096);
  closeSync(file);
}
