// Arrays larger than a window, than 4 GiB, and than the memory they may take.
import { execFile } from 'node:child_process';
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { type NewArray, PersistentArray } from '../src/index.js';
import { closing, packageDirectory, temporaryDirectory } from './support.js';

const run = promisify(execFile);

const GiB = 2 ** 30;
/** Just above 100 GiB of f64. */
const size = 115_853;
const hundred: NewArray = { structure: 'dense', dtype: 'f64', rows: size, columns: size };

/** The corners, and both sides of every tenth border of 4 GiB. */
function places(): [number, number][] {
  const result: [number, number][] = [
    [0, 0],
    [0, size - 1],
    [size - 1, 0],
    [size - 1, size - 1],
  ];
  for (let border = 1; border * 4 * GiB < size * size * 8; border += 8) {
    const index = (border * 4 * GiB) / 8;
    for (const element of [index - 1, index, index + 1]) {
      result.push([Math.floor(element / size), element % size]);
    }
  }
  return result;
}

test('100 GiB: elements are where they belong, and nowhere else', async () => {
  const path = join(temporaryDirectory(), 'array');
  const array = closing(await PersistentArray.create(path, hundred, { reserve: false, update: 'in-place' }));
  expect(array.layout.byteLength).toBeGreaterThan(100 * GiB);
  await array.begin();
  for (const [index, [row, column]] of places().entries()) array.set(row, column, index + 1);
  await array.commit();
  await array.close();

  const again = closing(await PersistentArray.open(path));
  expect(again.warnings).toEqual([]);
  for (const [index, [row, column]] of places().entries()) {
    expect(again.get(row, column)).toBe(index + 1);
    // Not in the row below, as with 32-bit offsets, nor beside it.
    if (row + 1 < size) expect([0, ...placed(row + 1, column)]).toContain(again.get(row + 1, column));
  }
  const last = again.row(size - 1) as Float64Array;
  expect([last.length, last[0], last[size - 1]]).toEqual([size, 3, 4]);
  // Only the pages that were written to take space.
  expect(statSync(path).blocks * 512).toBeLessThan(32 * 1024 * 1024);
}, 60_000);

function placed(row: number, column: number): number[] {
  const index = places().findIndex(([r, c]) => r === row && c === column);
  return index < 0 ? [] : [index + 1];
}

test('a symmetric and a bit matrix of many GiB', async () => {
  const directory = temporaryDirectory();
  const cases: NewArray[] = [
    { structure: 'symmetric', dtype: 'f32', rows: 100_000, columns: 100_000 },
    { structure: 'dense', dtype: 'bit', rows: 400_000, columns: 400_000 },
    { structure: 'dense', dtype: 'cf16', rows: 50_000, columns: 50_000 },
    { structure: 'vector', dtype: 'u16', rows: 5 * GiB, columns: 1 },
  ];
  for (const input of cases) {
    const array = closing(
      await PersistentArray.create(join(directory, input.structure + input.rows), input, {
        reserve: false,
        update: 'in-place',
      }),
    );
    const [row, column] = [input.rows - 1, input.columns - 1];
    const middle = Math.floor(input.rows / 2);
    const one = 'dtype' in input && input.dtype === 'cf16' ? { re: 1, im: -1 } : 1;
    await array.begin();
    array.set(row, column, one);
    array.set(middle, 0, one);
    await array.commit();
    expect([array.get(row, column), array.get(middle, 0)]).toEqual([one, one]);
    expect(array.get(middle - 1, 0)).not.toEqual(one);
  }
}, 60_000);

interface Usage {
  readonly sum: number;
  /** Of the process, in bytes, when it began and at its peak. */
  readonly before: number;
  readonly peak: number;
}

/** Adds up an array in a process of its own, so that only this counts. */
const sum = `
  import { PersistentArray } from '@vgpu/array';
  const [path, how] = process.argv.slice(1);
  const peak = () => process.resourceUsage().maxRSS * 1024;
  const array = await PersistentArray.open(path);
  const before = peak();
  let sum = 0;
  const add = (values) => {
    for (const value of values) sum += value;
  };
  if (how === 'blocks') {
    for await (const { values } of array.blocks({ blockBytes: 8 * 1024 * 1024 })) add(values);
  } else {
    add(array.values());
  }
  await array.close();
  console.log(JSON.stringify({ sum, before, peak: peak() }));
`;

async function usage(path: string, how: 'blocks' | 'values'): Promise<Usage> {
  const { stdout } = await run(process.execPath, ['--input-type=module', '-e', sum, path, how], {
    cwd: packageDirectory,
  });
  return JSON.parse(stdout) as Usage;
}

test('going through an array takes memory for three blocks, not for the array', async () => {
  const path = join(temporaryDirectory(), 'array');
  const bytes = 256 * 1024 * 1024;
  const array: NewArray = { structure: 'dense', dtype: 'f64', rows: bytes / 8 / 1024, columns: 1024 };
  await (await PersistentArray.create(path, array, { values: () => 1 })).close();
  const bound = 64 * 1024 * 1024;

  const streamed = await usage(path, 'blocks');
  expect(streamed.sum).toBe(bytes / 8);
  expect(streamed.peak - streamed.before).toBeLessThan(bound);

  // The same without blocks takes more: the measurement above could have failed.
  const whole = await usage(path, 'values');
  expect(whole.sum).toBe(bytes / 8);
  expect(whole.peak - whole.before).toBeGreaterThan(bound);
}, 60_000);
