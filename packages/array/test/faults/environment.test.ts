// What the machine and other programs can do to an array.
import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  closeSync,
  copyFileSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { PersistentArray } from '../../src/index.js';
import { describeOnLinux } from '../linux.js';
import { temporaryDirectory } from '../powercut/recording.js';
import { columns, fill, makeVersion, rows, valueAt } from './workloads.js';

const root = process.getuid?.() === 0;
const mountable = mayMount();

/** Root in a container may not. */
function mayMount(): boolean {
  const folder = temporaryDirectory();
  try {
    execFileSync('mount', ['-t', 'tmpfs', 'tmpfs', folder], { stdio: 'pipe' });
    execFileSync('umount', [folder]);
    return true;
  } catch (error) {
    console.log(`skipped: a full and a read-only file system, as mounting is refused: ${String(error)}`);
    return false;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

let directory: string;
let path: string;
beforeEach(() => {
  directory = temporaryDirectory();
  path = join(directory, 'array.pycauset');
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

const code = (name: string) => expect.objectContaining({ code: name });

async function versionOf(file = path): Promise<number | undefined> {
  await using array = await PersistentArray.open(file);
  expect((await array.verify()).error).toBeUndefined();
  return [1, 2, 3].find(
    (version) => array.get(rows - 1, columns - 1) === valueAt(version, rows - 1, columns - 1),
  );
}

describe.runIf(mountable)('a file system of 1 MiB', () => {
  let mount: string;
  beforeEach(() => {
    mount = join(directory, 'small');
    mkdirSync(mount);
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', mount]);
    path = join(mount, 'array.pycauset');
  });
  afterEach(() => execFileSync('umount', [mount]));

  const create = (elements: number, replace = false) =>
    PersistentArray.create(
      path,
      { structure: 'vector', dtype: 'f64', rows: elements, columns: 1 },
      { replace },
    );

  it('refuses an array that does not fit, and is empty afterwards', async () => {
    await expect(create(200_000)).rejects.toEqual(code('ERR_VGPU_MMAP_NO_SPACE'));
    expect(readdirSync(mount)).toEqual([]);
  });

  it('keeps the array that was to be replaced by one that does not fit', async () => {
    await makeVersion(path, 1);
    await expect(create(200_000, true)).rejects.toEqual(code('ERR_VGPU_MMAP_NO_SPACE'));
    expect(readdirSync(mount)).toEqual(['array.pycauset']);
    expect(await versionOf()).toBe(1);
  });

  it('has no room for a second version: the update is refused, the array stays usable', async () => {
    await (await create(100_000)).close();
    const before = statSync(path).size;
    {
      await using array = await PersistentArray.open(path, { update: 'atomic' });
      await expect(array.begin()).rejects.toEqual(code('ERR_VGPU_MMAP_NO_SPACE'));
      expect(array.updating).toBe(false);
      expect(array.get(99_999, 0)).toBe(0);
    }
    expect(statSync(path).size).toBe(before);
    await using inPlace = await PersistentArray.open(path, { update: 'in-place' });
    await inPlace.begin();
    inPlace.set(99_999, 0, 7);
    await inPlace.commit();
    expect(inPlace.get(99_999, 0)).toBe(7);
    expect((await inPlace.verify()).error).toBeUndefined();
  });

  it('that is read only lets arrays be read and nothing else', async () => {
    await makeVersion(path, 1);
    execFileSync('mount', ['-o', 'remount,ro', mount]);
    expect(await versionOf()).toBe(1);
    await expect(PersistentArray.open(path, { update: 'atomic' })).rejects.toEqual(
      code('ERR_VGPU_MMAP_ACCESS'),
    );
    await expect(makeVersion(path, 2)).rejects.toEqual(code('ERR_VGPU_MMAP_ACCESS'));
    path = join(mount, 'other.pycauset');
    await expect(makeVersion(path, 2)).rejects.toEqual(code('ERR_VGPU_MMAP_ACCESS'));
    expect(readdirSync(mount)).toEqual(['array.pycauset']);
  });
});

describeOnLinux('a directory that is not writable', () => {
  // Root writes everywhere.
  beforeEach(() => {
    chmodSync(directory, 0o755);
    if (root) process.seteuid?.(65534);
    else chmodSync(directory, 0o555);
  });
  afterEach(() => {
    if (root) process.seteuid?.(0);
    chmodSync(directory, 0o755);
  });

  it('gets no array, and nothing is left of the attempt', async () => {
    await expect(makeVersion(path, 1)).rejects.toEqual(code('ERR_VGPU_MMAP_ACCESS'));
    expect(readdirSync(directory)).toEqual([]);
  });
});

function cutOff(size: number): void {
  const file = openSync(path, 'r+');
  ftruncateSync(file, size);
  closeSync(file);
}

describeOnLinux('a file that another program cuts off while it is open', () => {
  it('gives an error and never zeros as if they were data', async () => {
    await makeVersion(path, 1);
    await using array = await PersistentArray.open(path);
    expect(array.get(0, 1)).toBe(valueAt(1, 0, 1));
    cutOff(4096);
    expect(() => array.get(rows - 1, columns - 1)).toThrow(code('ERR_VGPU_MMAP_FAULTED'));
    // From then on nothing of it is trusted.
    expect(() => array.get(0, 1)).toThrow(code('ERR_VGPU_MMAP_FAULTED'));
    await expect(array.verify()).rejects.toMatchObject({ code: expect.stringMatching(/^ERR_VGPU_/) });
  });

  it('ends an iteration with an error', async () => {
    await makeVersion(path, 1);
    await using array = await PersistentArray.open(path);
    cutOff(4096);
    const blocks = async () => {
      for await (const block of array.blocks({ blockBytes: 4096 })) expect(block.values).toBeDefined();
    };
    await expect(blocks()).rejects.toMatchObject({ code: expect.stringMatching(/^ERR_VGPU_/) });
  });

  it('is not committed to', async () => {
    await makeVersion(path, 1);
    await using array = await PersistentArray.open(path, { update: 'atomic' });
    await array.begin();
    fill(array, 2);
    cutOff(4096);
    const commit = async () => {
      fill(array, 2);
      await array.commit();
    };
    await expect(commit()).rejects.toMatchObject({ code: expect.stringMatching(/^ERR_VGPU_/) });
    await expect(PersistentArray.open(path)).rejects.toMatchObject({
      code: expect.stringMatching(/^ERR_VGPU_/),
    });
  });
});

describeOnLinux('a file that another program replaces while it is open', () => {
  const other = () => join(directory, 'other.pycauset');
  const replaceIt = async () => {
    await makeVersion(other(), 3);
    renameSync(other(), path);
  };

  it('is read as it was', async () => {
    await makeVersion(path, 1);
    await using array = await PersistentArray.open(path);
    await replaceIt();
    expect(array.get(0, 1)).toBe(valueAt(1, 0, 1));
    expect((await array.verify()).error).toBeUndefined();
    expect(await versionOf()).toBe(3);
  });

  it('is not committed to: the new version would have no name', async () => {
    await makeVersion(path, 1);
    await using array = await PersistentArray.open(path, { update: 'atomic' });
    await array.begin();
    fill(array, 2);
    await replaceIt();
    await expect(array.commit()).rejects.toEqual(code('ERR_VGPU_ARRAY_CHANGED'));
    expect(await versionOf()).toBe(3);
  });

  it('or moves is not committed to either', async () => {
    await makeVersion(path, 1);
    await using array = await PersistentArray.open(path, { update: 'in-place' });
    renameSync(path, other());
    await expect(array.begin()).rejects.toEqual(code('ERR_VGPU_ARRAY_CHANGED'));
    await array.close();
    expect(await versionOf(other())).toBe(1);
  });

  it('by bytes of another array is found out by verify()', async () => {
    await makeVersion(path, 1);
    await makeVersion(other(), 3);
    await using array = await PersistentArray.open(path);
    copyFileSync(other(), path);
    expect((await array.verify()).error).toMatchObject({ code: 'ERR_VGPU_ARRAY_DAMAGED' });
  });
});

describe('two writers', () => {
  it('take turns: the second is refused at once, and served when the first is done', async () => {
    await makeVersion(path, 1);
    {
      await using first = await PersistentArray.open(path, { update: 'atomic' });
      await expect(PersistentArray.open(path, { update: 'atomic' })).rejects.toEqual(
        code('ERR_VGPU_MMAP_LOCKED'),
      );
      await expect(PersistentArray.open(path, { update: 'in-place' })).rejects.toEqual(
        code('ERR_VGPU_MMAP_LOCKED'),
      );
      await expect(makeVersion(path, 2)).rejects.toEqual(code('ERR_VGPU_MMAP_LOCKED'));
      await expect(PersistentArray.open(path)).rejects.toEqual(code('ERR_VGPU_MMAP_LOCKED'));
      expect(first.get(0, 0)).toBe(valueAt(1, 0, 0));
    }
    await using second = await PersistentArray.open(path, { update: 'atomic' });
    await second.begin();
    fill(second, 2);
    await second.commit();
    await second.close();
    expect(await versionOf()).toBe(2);
    expect(readdirSync(directory)).toEqual(['array.pycauset']);
  });

  it('in two processes are kept apart too', async () => {
    await makeVersion(path, 1);
    await using writer = await PersistentArray.open(path, { update: 'atomic' });
    expect(writer.updating).toBe(false);
    const script = `
      import { PersistentArray } from ${JSON.stringify(join(import.meta.dirname, '../../src/index.ts'))};
      PersistentArray.open(process.argv[1], { update: 'atomic' }).catch((error) => console.log(error.code));
    `;
    const words = ['--import', import.meta.resolve('tsx'), '--input-type=module', '-e', script, path];
    expect(execFileSync(process.execPath, words, { encoding: 'utf8' }).trim()).toBe('ERR_VGPU_MMAP_LOCKED');
  });
});
