// What the world does to a file: others who use it, full disks, missing rights, files that shrink or change.
import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readContainer } from '@vgpu/format';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { diagnose, exportNpy, type NewArray, PersistentArray, repair } from '../src/index.js';
import { closing, temporaryDirectory, thrownBy } from './support.js';

const square: NewArray = { structure: 'dense', dtype: 'f64', rows: 200, columns: 200 };
const values = (row: number, column: number) => row * 1000 + column;

async function made(directory = temporaryDirectory(), array = square): Promise<string> {
  const path = join(directory, 'array');
  await (await PersistentArray.create(path, array, { values })).close();
  return path;
}

describe('others', () => {
  test('readers share, a writer has it alone', async () => {
    const path = await made();
    const first = closing(await PersistentArray.open(path));
    const second = closing(await PersistentArray.open(path));
    expect(second.get(1, 1)).toBe(1001);
    const locked = { code: 'ERR_VGPU_MMAP_LOCKED', remedy: expect.any(String) };
    expect(await thrownBy(() => PersistentArray.open(path, { update: 'atomic' }))).toMatchObject(locked);
    await first.close();
    expect(await thrownBy(() => PersistentArray.open(path, { update: 'in-place' }))).toMatchObject(locked);
    await second.close();
    const writer = closing(await PersistentArray.open(path, { update: 'atomic' }));
    for (const action of [
      () => PersistentArray.open(path, { update: 'atomic' }),
      () => PersistentArray.open(path),
      () => diagnose(path),
      () => repair(path, 'accept'),
    ]) {
      expect(await thrownBy(action)).toMatchObject(locked);
    }
    // Who accepts that it may change can look.
    const looker = closing(await PersistentArray.open(path, { lock: 'none' }));
    expect(looker.get(1, 1)).toBe(1001);
    expect((await diagnose(path, { lock: 'none' })).error).toBeUndefined();
    await writer.close();
    closing(await PersistentArray.open(path, { update: 'atomic' }));
  });

  test('a failed open holds no lock', async () => {
    const path = await made();
    const bytes = readFileSync(path);
    writeFileSync(path, bytes.subarray(0, 300));
    for (let attempt = 0; attempt < 3; attempt++) {
      expect(await thrownBy(() => PersistentArray.open(path, { update: 'atomic' }))).toMatchObject({
        code: 'ERR_VGPU_FORMAT_TRUNCATED',
      });
    }
    writeFileSync(path, bytes);
    closing(await PersistentArray.open(path, { update: 'atomic' }));
  });

  test('a file that is renamed away goes on being read', async () => {
    const directory = temporaryDirectory();
    const path = await made(directory);
    const array = closing(await PersistentArray.open(path));
    renameSync(path, join(directory, 'elsewhere'));
    writeFileSync(path, 'something else');
    expect(array.get(199, 199)).toBe(199_199);
    expect((await array.verify()).error).toBeUndefined();
  });

  test('a symbolic link is followed, and what is not a file refused', async () => {
    const directory = temporaryDirectory();
    const path = await made(directory);
    symlinkSync(path, join(directory, 'link'));
    const array = closing(await PersistentArray.open(join(directory, 'link'), { update: 'atomic' }));
    await array.begin();
    array.set(0, 0, 5);
    await array.commit();
    await array.close();
    expect(closing(await PersistentArray.open(path)).get(0, 0)).toBe(5);
    expect(await thrownBy(() => PersistentArray.open(directory))).toMatchObject({
      code: expect.stringMatching(/^ERR_VGPU_MMAP_/),
    });
  });
});

describe('a file that shrinks', () => {
  test('gives an error, never zeros in place of values', async () => {
    const path = await made();
    const array = closing(await PersistentArray.open(path));
    expect(array.get(0, 0)).toBe(0);
    truncateSync(path, 8192);
    const faulted = { code: 'ERR_VGPU_MMAP_FAULTED', remedy: expect.any(String) };
    expect(await thrownBy(() => array.get(199, 199))).toMatchObject(faulted);
    expect(await thrownBy(() => array.get(0, 0))).toMatchObject(faulted);
    expect(await thrownBy(() => array.row(0))).toMatchObject(faulted);
  });

  test('is an error when it is gone through, exported or verified', async () => {
    const path = await made();
    const actions: ((array: PersistentArray) => Promise<unknown>)[] = [
      async (array) => {
        let sum = 0;
        for await (const block of array.blocks({ blockBytes: 4096, prefetch: false, discard: false })) {
          for (const value of block.values as Float64Array) sum += value;
        }
        return sum;
      },
      (array) => exportNpy(array, `${path}.npy`),
      (array) => array.verify(),
    ];
    for (const action of actions) {
      const bytes = readFileSync(path);
      const array = closing(await PersistentArray.open(path));
      truncateSync(path, 8192);
      expect(await thrownBy(() => action(array))).toMatchObject({
        code: expect.stringMatching(/^ERR_VGPU_(MMAP_FAULTED|FORMAT_TRUNCATED)$/),
      });
      await array.close();
      writeFileSync(path, bytes);
    }
    expect(readdirSync(join(path, '..'))).toEqual(['array']);
  });

  test('cannot be committed', async () => {
    for (const update of ['atomic', 'in-place'] as const) {
      const path = await made();
      const array = closing(await PersistentArray.open(path, { update }));
      await array.begin();
      truncateSync(path, 8192);
      expect(await thrownBy(() => array.set(199, 199, 1))).toMatchObject({ code: 'ERR_VGPU_MMAP_FAULTED' });
      expect(await thrownBy(() => array.commit())).toMatchObject({
        code: expect.stringMatching(/^ERR_VGPU_/),
      });
      await array.close().catch(() => {});
      expect(await thrownBy(() => PersistentArray.open(path))).toMatchObject({
        code: expect.stringMatching(/^ERR_VGPU_FORMAT_/),
      });
    }
  });
});

describe('rights', () => {
  const root = process.getuid?.() === 0;
  const nobody = 65_534;

  /** Runs as a user without privileges: root may write anywhere. */
  async function unprivileged<T>(action: () => Promise<T>): Promise<T> {
    if (!root || process.seteuid === undefined) return await action();
    process.seteuid(nobody);
    try {
      return await action();
    } finally {
      process.seteuid(0);
    }
  }

  async function directoryOfOthers(): Promise<string> {
    const parent = temporaryDirectory();
    chmodSync(parent, 0o755);
    const directory = join(parent, 'readonly');
    mkdirSync(directory);
    const path = await made(directory);
    chmodSync(path, 0o444);
    chmodSync(directory, 0o555);
    return path;
  }

  test('a directory that may not be written to', async () => {
    const path = await directoryOfOthers();
    const denied = { code: 'ERR_VGPU_MMAP_ACCESS', remedy: expect.any(String) };
    await unprivileged(async () => {
      const array = await PersistentArray.open(path);
      expect(array.get(3, 4)).toBe(3004);
      expect((await array.verify()).error).toBeUndefined();
      expect(await thrownBy(() => exportNpy(array, `${path}.npy`))).toMatchObject(denied);
      await array.close();
      for (const action of [
        () => PersistentArray.open(path, { update: 'atomic' }),
        () => PersistentArray.create(`${path}2`, square),
        () => PersistentArray.create(path, square, { replace: true }),
        () => repair(path, 'accept'),
      ]) {
        expect(await thrownBy(action)).toMatchObject(denied);
      }
    });
    expect(readdirSync(join(path, '..'))).toEqual(['array']);
    chmodSync(join(path, '..'), 0o755);
  });
});

/** A file system of its own with little room; undefined with the reason when this machine does not let us mount one. */
function smallFileSystem(megabytes: number): { directory?: string; reason: string } {
  if (process.platform !== 'linux') return { reason: 'no tmpfs here' };
  const directory = mkdtempSync(join(tmpdir(), 'vgpu-array-'));
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${megabytes}m,mode=0777`, 'vgpu-test', directory], {
      stdio: 'pipe',
    });
    return { directory, reason: '' };
  } catch (error) {
    rmSync(directory, { recursive: true });
    return { reason: `mounting needs rights: ${error instanceof Error ? error.message.trim() : error}` };
  }
}

function unmount(directory: string): void {
  execFileSync('umount', ['--lazy', directory]);
  rmSync(directory, { recursive: true });
}

describe('a full disk', () => {
  const probe = smallFileSystem(1);
  if (probe.directory === undefined) console.warn(`skipped, "a full disk": ${probe.reason}`);
  else unmount(probe.directory);

  describe.skipIf(probe.directory === undefined)('of 1 MiB', () => {
    let directory = '';
    beforeAll(() => {
      directory = smallFileSystem(1).directory ?? '';
    });
    afterAll(() => {
      unmount(directory);
    });

    const half: NewArray = { structure: 'dense', dtype: 'f64', rows: 300, columns: 200 };
    const full = { code: 'ERR_VGPU_MMAP_NO_SPACE', remedy: expect.any(String) };

    test('leaves nothing of a new array', async () => {
      const large = { ...half, rows: 1000 };
      expect(await thrownBy(() => PersistentArray.create(join(directory, 'large'), large))).toMatchObject(
        full,
      );
      const sparse = { reserve: false, values } as const;
      expect(
        await thrownBy(() => PersistentArray.create(join(directory, 'large'), large, sparse)),
      ).toMatchObject(full);
      expect(readdirSync(directory)).toEqual([]);
    });

    test('leaves the old version, and the array usable, where an update has no room', async () => {
      const path = await made(directory, half);
      const bytes = readFileSync(path);
      const array = closing(await PersistentArray.open(path, { update: 'atomic' }));
      // One copy fits, with what another file takes it does not.
      writeFileSync(join(directory, 'other'), Buffer.alloc(300_000));
      expect(await thrownBy(() => array.begin())).toMatchObject(full);
      expect(array.updating).toBe(false);
      expect(Buffer.compare(readFileSync(path), bytes)).toBe(0);
      rmSync(join(directory, 'other'));
      await array.begin();
      array.set(0, 0, 5);
      await array.commit();
      await array.close();
      const again = closing(await PersistentArray.open(path));
      expect([again.get(0, 0), (await again.verify()).error]).toEqual([5, undefined]);
      expect(
        await thrownBy(() =>
          exportNpy(again, join(directory, 'out.npy')).then(() =>
            exportNpy(again, join(directory, 'out2.npy')),
          ),
        ),
      ).toMatchObject(full);
      expect(readdirSync(directory).sort()).toEqual(['array', 'out.npy']);
      rmSync(join(directory, 'out.npy'));
      await again.close();
      rmSync(path);
    });

    test('leaves an update open that has no room for its metadata', async () => {
      const path = await made(directory, half);
      const array = closing(await PersistentArray.open(path, { update: 'in-place' }));
      await array.begin();
      array.set(0, 0, 5);
      // As large as there is room for, to the page.
      for (let filled = 1024 * 1024; filled > 0; filled -= 4096) {
        try {
          writeFileSync(join(directory, 'other'), Buffer.alloc(filled));
          break;
        } catch {
          rmSync(join(directory, 'other'));
        }
      }
      const { metadata } = array;
      const large = new Map([...metadata, ['note', { type: 'string', value: 'x'.repeat(20_000) } as const]]);
      expect(await thrownBy(() => array.commit({ metadata: large }))).toMatchObject(full);
      expect([array.updating, array.get(0, 0)]).toEqual([true, 5]);
      rmSync(join(directory, 'other'));
      await array.commit({ metadata: large });
      expect([array.updating, array.committed, array.metadata.has('note')]).toEqual([false, true, true]);
      await array.close();
      rmSync(path);
    });

    test.each([
      [
        'set()',
        (array: PersistentArray) => {
          for (let row = 0; row < array.rows; row++) array.set(row, 0, 1);
        },
      ],
      // What is written to a view is noticed no earlier than by the commit.
      ['a view', (array: PersistentArray) => void (array.values() as Float64Array).fill(1)],
    ])(
      'is an error where space was not reserved, and the file says that it is uncommitted: %s',
      async (_, write) => {
        const path = join(directory, 'array');
        const large = { ...half, rows: 2000 };
        const array = closing(
          await PersistentArray.create(path, large, { reserve: false, update: 'in-place' }),
        );
        await array.begin();
        const commit = async () => {
          write(array);
          await array.commit();
        };
        const faulted = { code: 'ERR_VGPU_MMAP_FAULTED' };
        expect(await thrownBy(commit)).toMatchObject(faulted);
        expect(await thrownBy(() => array.commit())).toMatchObject(faulted);
        await array.close();
        expect(await thrownBy(() => PersistentArray.open(path))).toMatchObject({
          code: 'ERR_VGPU_FORMAT_NOT_COMMITTED',
        });
        expect(() => readContainer(new Uint8Array(readFileSync(path)))).toThrow(/did not finish/);
        rmSync(path);
      },
    );
  });
});
