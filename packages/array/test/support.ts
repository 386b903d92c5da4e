// What the tests of this package share.
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Dtype, Scalar, ValueReader } from '@vgpu/format';
import { afterEach } from 'vitest';
import type { PersistentArray } from '../src/index.js';

export const packageDirectory = join(dirname(fileURLToPath(import.meta.url)), '..');
const goldenDirectory = join(packageDirectory, '../format/test/golden');

const directories: string[] = [];
const arrays: PersistentArray[] = [];

/** A new directory that is gone after the test. */
export function temporaryDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), 'vgpu-array-'));
  directories.push(directory);
  return directory;
}

/** Closes the array after the test. */
export function closing(array: PersistentArray): PersistentArray {
  arrays.push(array);
  return array;
}

afterEach(async () => {
  for (const array of arrays.splice(0)) await array.close();
  for (const directory of directories.splice(0)) rmSync(directory, { recursive: true, force: true });
});

/** Row by row. */
export function allValues(reader: Pick<ValueReader, 'rows' | 'columns' | 'get'>): Scalar[] {
  const values: Scalar[] = [];
  for (let row = 0; row < reader.rows; row++) {
    for (let column = 0; column < reader.columns; column++) values.push(reader.get(row, column));
  }
  return values;
}

/** What a promise or a call throws; it must. */
export async function thrownBy(action: () => unknown): Promise<unknown> {
  try {
    await action();
  } catch (error) {
    return error;
  }
  throw new Error('nothing was thrown');
}

type GoldenReal = number | string;
type GoldenScalar = GoldenReal | readonly [GoldenReal, GoldenReal];

export interface Golden {
  readonly path: string;
  readonly bytes: Uint8Array;
  readonly dtype: string;
  readonly structure: string;
  readonly shape: readonly number[];
  readonly values: readonly (GoldenScalar | readonly GoldenScalar[])[];
}

export function goldenNames(folder = ''): string[] {
  return readdirSync(join(goldenDirectory, folder))
    .filter((file) => file.endsWith('.pycauset'))
    .map((file) => join(folder, file.replace(/\.pycauset$/, '')))
    .sort();
}

export function golden(name: string): Golden {
  const path = join(goldenDirectory, `${name}.pycauset`);
  const sideCar = JSON.parse(readFileSync(join(goldenDirectory, `${name}.json`), 'utf8')) as Golden;
  return { ...sideCar, path, bytes: new Uint8Array(readFileSync(path)) };
}

/** The values of the side-car, row by row, in the form that a reader gives them. */
export function goldenValues({ shape, values }: Golden, dtype: Dtype): Scalar[] {
  const flat = (shape.length === 1 ? values : values.flat(1)) as readonly GoldenScalar[];
  return flat.map((value) => {
    if (typeof value === 'object') return { re: Number(value[0]), im: Number(value[1]) };
    return dtype === 'i64' || dtype === 'u64' ? BigInt(value) : Number(value);
  });
}
