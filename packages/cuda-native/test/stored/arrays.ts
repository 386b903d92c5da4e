// Arrays on disk for tests.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PersistentArray } from '@vgpu/array';
import { afterEach } from 'vitest';
import type { ElementType, NumericArray } from '../../src/index.js';
import type { StoredArray, StoredOutput, StoredType } from '../../src/stored/index.js';

const folders: string[] = [];
const open: PersistentArray[] = [];

afterEach(async () => {
  for (const array of open.splice(0)) await array.close();
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
});

/** Gone after the test. */
export function newFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'vgpu-stored-'));
  folders.push(folder);
  return folder;
}

/** Closed after the test. */
export function closing(array: PersistentArray): PersistentArray {
  open.push(array);
  return array;
}

/** A vector, or with `columns` a matrix by rows. */
export async function stored(
  data: NumericArray,
  { columns = 0, update = 'atomic' as 'atomic' | 'in-place' } = {},
): Promise<PersistentArray> {
  const array = await empty(typeOf(data), data.length, { columns, update });
  await array.begin();
  const elements = array.elements(0, data.length) as Float64Array;
  elements.set(data as Float64Array);
  await array.commit();
  return array;
}

export async function empty(
  dtype: StoredType,
  count: number,
  { columns = 0, update = 'atomic' as 'atomic' | 'in-place' } = {},
): Promise<PersistentArray> {
  const path = join(newFolder(), 'array.pycauset');
  const shape =
    columns === 0
      ? ({ structure: 'vector', dtype, rows: count, columns: 1 } as const)
      : ({ structure: 'dense', dtype, rows: count / columns, columns } as const);
  return closing(await PersistentArray.create(path, shape, { update }));
}

/** Whether the bits of all elements are these. */
export function holds(array: StoredArray, data: NumericArray): boolean {
  const found = array.elements(0, data.length) as NumericArray;
  const bytes = (each: NumericArray) => Buffer.from(each.buffer, each.byteOffset, each.byteLength);
  return found.constructor === data.constructor && bytes(found).equals(bytes(data));
}

/** The same array, which tells of each call before it is made; what `tell` throws fails the call. */
export function watched(array: StoredOutput, tell: (call: string) => void): StoredOutput {
  const before = <Arguments extends unknown[], Result>(name: string, call: (...all: Arguments) => Result) => {
    return (...all: Arguments) => {
      tell(name);
      return call(...all);
    };
  };
  return {
    path: array.path,
    get generation() {
      return array.generation;
    },
    get descriptor() {
      return array.descriptor;
    },
    update: array.update,
    get updating() {
      return array.updating;
    },
    get committed() {
      return array.committed;
    },
    elements: before('elements', (first, count) => array.elements(first, count)),
    prefetch: before('prefetch', async (...all) => array.prefetch(...all)),
    discard: before('discard', async (first, count) => array.discard(first, count)),
    begin: before('begin', async (options) => array.begin(options)),
    flush: before('flush', async () => array.flush()),
    commit: before('commit', async () => array.commit()),
    rollback: before('rollback', async () => array.rollback()),
  };
}

/** A copy of all elements. */
export function contents(array: PersistentArray): (number | bigint)[] {
  const { rows, columns } = array.descriptor;
  return [...(array.elements(0, rows * columns) as Float64Array)];
}

function typeOf(data: NumericArray): ElementType {
  const names = {
    Float32Array: 'f32',
    Float64Array: 'f64',
    Int32Array: 'i32',
    Uint32Array: 'u32',
    BigInt64Array: 'i64',
    BigUint64Array: 'u64',
  } as const;
  return names[data[Symbol.toStringTag]];
}
