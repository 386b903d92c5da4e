// What is done while system calls fail.
import { dirname, join } from 'node:path';
import { meta, writeNpy } from '@vgpu/format';
import { ScratchMemory } from '@vgpu/mmap-native';
import { importNpy, PersistentArray, repair } from '../../src/index.js';

export const rows = 8;
export const columns = 200;

export function valueAt(version: number, row: number, column: number): number {
  return version * 1000 + row * 300 + column;
}

export interface Workload {
  readonly name: string;
  readonly update: 'atomic' | 'in-place';
  /** There is a version 1 before. */
  readonly exists: boolean;
  /** Makes version 2, or fails. Given an open array where `opens`. */
  readonly run: (path: string, array: PersistentArray | undefined) => Promise<PersistentArray | undefined>;
  readonly opens: boolean;
  /** Leaves version 1 when it succeeds. */
  readonly changesNothing?: boolean;
}

export async function makeVersion(path: string, version: number): Promise<void> {
  const array = await create(path, version);
  await array.close();
}

function create(path: string, version: number): Promise<PersistentArray> {
  return PersistentArray.create(
    path,
    { structure: 'dense', dtype: 'f64', rows, columns },
    { values: (row, column) => valueAt(version, row, column), replace: true },
  );
}

async function commit(
  array: PersistentArray | undefined,
  { copy = true, discard = false } = {},
): Promise<undefined> {
  if (array === undefined) throw new Error('the workload wants an array');
  await array.begin(copy ? {} : { copy });
  fill(array, 2);
  if (discard) await array.discard();
  await array.commit({ metadata: new Map([['note', meta.string('n'.repeat(100))]]) });
}

export function fill(array: PersistentArray, version: number): void {
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) array.set(row, column, valueAt(version, row, column));
  }
}

export const inputName = 'input.npy';

export function inputBytes(): Uint8Array {
  return writeNpy({ dtype: 'f64', shape: [rows, columns] }, (row = 0, column = 0) => valueAt(2, row, column));
}

export const workloads: readonly Workload[] = [
  { name: 'create', update: 'atomic', exists: false, opens: false, run: (path) => create(path, 2) },
  { name: 'replace', update: 'atomic', exists: true, opens: false, run: (path) => create(path, 2) },
  {
    name: 'import',
    update: 'atomic',
    exists: true,
    opens: false,
    // Beside the directory whose calls fail.
    run: (path) => importNpy(join(dirname(dirname(path)), inputName), path, { replace: true }),
  },
  {
    name: 'open and commit',
    update: 'atomic',
    exists: true,
    opens: false,
    run: async (path) => {
      const array = await PersistentArray.open(path, { update: 'atomic' });
      try {
        return await commit(array);
      } finally {
        await array.close();
      }
    },
  },
  { name: 'commit', update: 'atomic', exists: true, opens: true, run: (_, array) => commit(array) },
  {
    name: 'commit of zeros and more',
    update: 'atomic',
    exists: true,
    opens: true,
    run: (_, array) => commit(array, { copy: false }),
  },
  {
    name: 'commit in place',
    update: 'in-place',
    exists: true,
    opens: true,
    run: (_, array) => commit(array),
  },
  {
    name: 'rollback',
    update: 'atomic',
    exists: true,
    opens: true,
    changesNothing: true,
    run: async (_, array) => {
      await array?.begin();
      await array?.rollback();
      return undefined;
    },
  },
  {
    name: 'scratch memory',
    update: 'atomic',
    exists: true,
    opens: false,
    changesNothing: true,
    run: async (path) => {
      using memory = ScratchMemory.create(64 * 1024, { directory: dirname(path), named: true });
      memory.window(0, memory.size).bytes.fill(1);
      await memory.releaseAsync();
      await memory.discardAsync();
      return undefined;
    },
  },
  {
    name: 'repair',
    update: 'atomic',
    exists: true,
    opens: false,
    changesNothing: true,
    run: async (path) => {
      await repair(path, 'accept');
      return undefined;
    },
  },
];
