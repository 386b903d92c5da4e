import { copyFileSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { readContainer, readContainerHeader, slotOffset } from '@vgpu/format';
import { describe, expect, test } from 'vitest';
import { diagnose, type NewArray, PersistentArray, type RepairAction, repair } from '../src/index.js';
import { closing, golden, goldenNames, temporaryDirectory, thrownBy } from './support.js';

const square: NewArray = { structure: 'dense', dtype: 'f64', rows: 100, columns: 100 };

async function made(): Promise<PersistentArray> {
  const path = join(temporaryDirectory(), 'array.pycauset');
  return closing(await PersistentArray.create(path, square, { values: (row, column) => row - column }));
}

function copyOf(path: string): string {
  const copy = join(temporaryDirectory(), 'copy.pycauset');
  copyFileSync(path, copy);
  return copy;
}

function change(path: string, edit: (bytes: Uint8Array) => Uint8Array | undefined): void {
  const bytes = new Uint8Array(readFileSync(path));
  writeFileSync(path, edit(bytes) ?? bytes);
}

test('a sound file has nothing wrong', async () => {
  const array = await made();
  await array.close();
  const diagnosis = await diagnose(array.path);
  expect(diagnosis).toMatchObject({
    kind: 'container',
    error: undefined,
    warnings: [],
    unreferencedBytes: 0,
    actions: ['accept'],
    versions: [
      { slot: 'A', active: true, generation: 1n, committed: true, checksum: 'crc32', error: undefined },
      { slot: 'B', active: false, generation: 0n, committed: true, error: undefined },
    ],
  });
  for (const action of ['previous', 'mirror', 'trim'] as const) {
    expect(await thrownBy(() => repair(array.path, action))).toMatchObject({
      code: 'ERR_VGPU_ARRAY_NO_REPAIR',
      values: { action, applicable: 'accept' },
    });
  }
});

test('a damaged slot is written anew', async () => {
  for (const slot of ['A', 'B'] as const) {
    const array = await made();
    await array.close();
    const sound = readFileSync(array.path);
    change(array.path, (bytes) => void bytes.fill(0xee, slotOffset(slot), slotOffset(slot) + 20));
    const before = await diagnose(array.path);
    expect(before.actions).toEqual(['accept', 'mirror']);
    expect(before.warnings.map(({ code }) => code)).toEqual(['slot-ignored']);
    const { after } = await repair(array.path, 'mirror');
    expect([after.warnings, after.actions]).toEqual([[], ['accept']]);
    const again = closing(await PersistentArray.open(array.path));
    expect([again.get(99, 0), (await again.verify()).error]).toEqual([99, undefined]);
    if (slot === 'B') expect(Buffer.compare(readFileSync(array.path), sound)).toBe(0);
  }
});

/** A file whose newer version is in slot B, and whose older version in slot A is still whole. */
async function withTwoVersions(): Promise<string> {
  const array = await made();
  const first = new Uint8Array(readFileSync(array.path));
  await array.begin();
  array.set(0, 0, 7);
  await array.commit();
  await array.close();
  change(array.path, (bytes) => {
    bytes.set(first.subarray(slotOffset('A'), slotOffset('A') + 128), slotOffset('A'));
    bytes.set(first.subarray(4096), 4096);
    return undefined;
  });
  return array.path;
}

describe('two versions', () => {
  test('the older one can be made the present one again', async () => {
    const path = await withTwoVersions();
    const before = await diagnose(path);
    expect(before.actions).toEqual(['accept', 'previous', 'mirror']);
    const { after } = await repair(path, 'previous');
    expect(after.versions.map(({ generation, payload }) => [generation, payload?.offset])).toEqual([
      [2n, 4096],
      [3n, 4096],
    ]);
    expect(after.actions).toEqual(['accept', 'trim']);
    const again = closing(await PersistentArray.open(path));
    expect([again.get(0, 0), (await again.verify()).error]).toEqual([0, undefined]);
    await again.close();
    await repair(path, 'trim');
    expect((await diagnose(path)).unreferencedBytes).toBe(0);
    expect(closing(await PersistentArray.open(path)).warnings).toEqual([]);
  });

  test('the older one is what remains when the metadata of the newer one are damaged', async () => {
    const path = await withTwoVersions();
    const { metadata } = readContainerHeader(new Uint8Array(readFileSync(path))).slot;
    change(path, (bytes) => void bytes.fill(0, metadata.offset + 40, metadata.offset + 50));
    expect(await thrownBy(() => PersistentArray.open(path))).toMatchObject({
      code: 'ERR_VGPU_FORMAT_BAD_CHECKSUM',
    });
    const before = await diagnose(path);
    expect(before.error).toMatchObject({ code: 'ERR_VGPU_FORMAT_BAD_CHECKSUM' });
    expect(before.actions).toEqual(['previous']);
    await repair(path, 'previous');
    expect(closing(await PersistentArray.open(path)).get(0, 0)).toBe(0);
  });

  test('the newer one can be made the only one', async () => {
    const path = await withTwoVersions();
    await repair(path, 'mirror');
    const bytes = new Uint8Array(readFileSync(path));
    for (const slot of ['A', 'B'] as const) {
      expect(readContainer(bytes, { slot }).payload).toEqual(readContainer(bytes).payload);
    }
    expect(closing(await PersistentArray.open(path)).get(0, 0)).toBe(7);
  });
});

test('a damaged payload can be accepted as it is', async () => {
  const array = await made();
  const { payloadUuid } = array.descriptor;
  await array.close();
  change(array.path, (bytes) => void bytes.fill(0, 4096, 4104));
  change(array.path, (bytes) => void bytes.fill(1, 4104, 4112));
  const damaged = closing(await PersistentArray.open(array.path));
  expect((await damaged.verify()).error).toMatchObject({ code: 'ERR_VGPU_ARRAY_DAMAGED' });
  expect(await thrownBy(() => repair(array.path, 'accept'))).toMatchObject({ code: 'ERR_VGPU_MMAP_LOCKED' });
  await damaged.close();
  const progress: number[] = [];
  await repair(array.path, 'accept', { onProgress: (done) => progress.push(done) });
  expect(progress).toEqual([80_000]);
  const again = closing(await PersistentArray.open(array.path));
  expect((await again.verify()).error).toBeUndefined();
  expect(again.descriptor.payloadUuid).not.toBe(payloadUuid);
});

test('bytes at the end that belong to nothing are cut off', async () => {
  const array = await made();
  await array.close();
  const sound = readFileSync(array.path);
  change(array.path, (bytes) => Buffer.concat([bytes, Buffer.alloc(10_000, 1)]));
  expect(await diagnose(array.path)).toMatchObject({
    unreferencedBytes: 10_000,
    actions: ['accept', 'trim'],
  });
  await repair(array.path, 'trim');
  expect(Buffer.compare(readFileSync(array.path), sound)).toBe(0);
});

test('a file that does not say what it is can be accepted as what it is said to be', async () => {
  const { path } = golden('unloadable/symmetric_f64_7x7');
  const copy = copyOf(path);
  expect((await diagnose(copy)).error).toMatchObject({ code: 'ERR_VGPU_FORMAT_UNIDENTIFIED' });
  await repair(copy, 'accept', { assume: { structure: 'symmetric', dtype: 'f64' } });
  const [repaired, original] = [
    closing(await PersistentArray.open(copy)),
    closing(await PersistentArray.open(path, { assume: { structure: 'symmetric', dtype: 'f64' } })),
  ];
  expect([repaired.get(1, 0), repaired.get(6, 6)]).toEqual([original.get(1, 0), original.get(6, 6)]);
});

test('files of other kinds are told apart', async () => {
  const path = join(temporaryDirectory(), 'file');
  writeFileSync(path, 'nothing of the kind, and longer than a magic number');
  expect(await diagnose(path)).toMatchObject({ kind: 'unknown', versions: [], actions: [] });
  writeFileSync(path, '');
  expect(await diagnose(path)).toMatchObject({ kind: 'unknown', fileBytes: 0, actions: [] });
  expect(await thrownBy(() => diagnose(`${path}-missing`))).toMatchObject({
    code: 'ERR_VGPU_MMAP_NOT_FOUND',
  });
});

const broken = goldenNames('broken');

test.each(broken)('%s: what diagnose names works, and leaves a file that opens', async (name) => {
  const { path } = golden(name);
  const { actions } = await diagnose(path);
  for (const action of actions) {
    const copy = copyOf(path);
    const { after } = await repair(copy, action);
    // Repairs that put a version in its place must make it readable; others must not make things worse.
    if (action !== 'trim') expect(after.error).toBeUndefined();
    if (action === 'mirror' || action === 'accept') expect(after.actions).not.toContain('mirror');
  }
});

test.each(['accept', 'previous', 'mirror', 'trim'] satisfies RepairAction[])(
  '%s of a file that is beyond repair changes nothing',
  async (action) => {
    const copy = copyOf(golden('broken/slotAB_crc').path);
    const before = readFileSync(copy);
    expect(await thrownBy(() => repair(copy, action))).toMatchObject({ code: 'ERR_VGPU_ARRAY_NO_REPAIR' });
    expect(Buffer.compare(readFileSync(copy), before)).toBe(0);
  },
);
