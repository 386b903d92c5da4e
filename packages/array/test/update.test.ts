// Updates: what a commit does to the file, and what survives one that does not end.
import { copyFileSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { encodeSlot, meta, readContainer, readContainerHeader, slotOffset } from '@vgpu/format';
import { describe, expect, test } from 'vitest';
import { isArrayError, type NewArray, PersistentArray, repair, type UpdateMode } from '../src/index.js';
import { allValues, closing, temporaryDirectory, thrownBy } from './support.js';

const square: NewArray = { structure: 'dense', dtype: 'f64', rows: 100, columns: 100 };
const values = (row: number, column: number) => row * 1000 + column;

async function made(update: UpdateMode, array: NewArray = square): Promise<PersistentArray> {
  const path = join(temporaryDirectory(), 'array.pycauset');
  return closing(await PersistentArray.create(path, array, { update, values }));
}

function bytesOf(path: string): Uint8Array {
  return new Uint8Array(readFileSync(path));
}

describe.each(['atomic', 'in-place'] as const)('%s', (update) => {
  test('a commit is one new version, in both slots, and nothing else', async () => {
    const array = await made(update);
    const before = readContainer(bytesOf(array.path));
    await array.begin();
    array.set(3, 4, -1);
    await array.commit();
    const after = readContainer(bytesOf(array.path));
    expect(after.warnings).toEqual([]);
    const [a, b] = after.header.slots;
    expect(a.slot?.payload).toEqual(b.slot?.payload);
    expect(a.slot?.metadata).toEqual(b.slot?.metadata);
    // An in-place update publishes twice: dirty, then clean.
    expect(after.header.slot.generation - before.header.slot.generation).toBe(update === 'atomic' ? 1n : 2n);
    expect(after.descriptor.payloadUuid).not.toBe(before.descriptor.payloadUuid);
    expect(after.payload.offset === before.payload.offset).toBe(update === 'in-place');
    expect(array.get(3, 4)).toBe(-1);
    expect(array.committed).toBe(true);
  });

  test('what is not touched keeps its identity and its caches', async () => {
    const array = await made(update);
    const { payloadUuid } = array.descriptor;
    await array.begin();
    await array.commit({
      metadata: new Map([
        ['cached', meta.map({})],
        ['note', meta.string('kept')],
      ]),
    });
    expect(array.descriptor.payloadUuid).toBe(payloadUuid);
    await array.begin();
    array.set(0, 0, 1);
    await array.commit();
    expect(array.descriptor.payloadUuid).not.toBe(payloadUuid);
    expect([...array.metadata.keys()]).not.toContain('cached');
    expect(array.metadata.get('note')).toEqual(meta.string('kept'));
  });

  test('twenty commits leave a file of the same size', async () => {
    const array = await made(update);
    const sizes: number[] = [];
    for (let round = 0; round < 20; round++) {
      await array.begin();
      array.set(round, round, round);
      await array.commit();
      sizes.push(statSync(array.path).size);
    }
    expect(Math.max(...sizes.slice(2))).toBeLessThanOrEqual(Math.max(...sizes.slice(0, 2)));
    expect(await array.verify()).toMatchObject({ checksum: 'crc32', error: undefined });
  });

  test('views die at commit, and cannot change what was published', async () => {
    const array = await made(update);
    await array.begin();
    const [row, all] = [array.row(5), array.values()] as Float64Array[];
    if (row === undefined || all === undefined) throw new Error('no views');
    row[7] = 42;
    await array.commit();
    expect([row.length, all.length]).toEqual([0, 0]);
    row[7] = 43;
    expect(array.get(5, 7)).toBe(42);
    const published = array.row(5) as Float64Array;
    published[7] = 44;
    await array.close();
    expect(published.length).toBe(0);
    const again = closing(await PersistentArray.open(array.path));
    expect(again.get(5, 7)).toBe(42);
    expect((await again.verify()).error).toBeUndefined();
  });

  test('a writable view counts as changed, a view outside an update does not', async () => {
    const array = await made(update);
    array.row(0);
    await array.begin();
    const [first] = [array.block(10, 2)] as Float64Array[];
    if (first === undefined) throw new Error('no view');
    first[150] = 7;
    await array.commit();
    expect(array.get(11, 50)).toBe(7);
    expect((await array.verify()).error).toBeUndefined();
  });

  test('an update can be aborted before it begins, and while it is committed', async () => {
    const array = await made(update);
    const { generation } = array;
    const aborted = AbortSignal.abort('enough');
    expect(await thrownBy(() => array.begin({ signal: aborted }))).toMatchObject({
      code: 'ERR_VGPU_ARRAY_ABORTED',
      cause: 'enough',
    });
    expect([array.updating, array.generation]).toEqual([false, generation]);
    await array.begin();
    array.set(1, 1, 5);
    expect(await thrownBy(() => array.commit({ signal: aborted }))).toMatchObject({
      code: 'ERR_VGPU_ARRAY_ABORTED',
    });
    expect([array.updating, array.get(1, 1)]).toEqual([true, 5]);
    const controller = new AbortController();
    const onProgress = () => controller.abort();
    expect(await thrownBy(() => array.commit({ signal: controller.signal, onProgress }))).toMatchObject({
      code: 'ERR_VGPU_ARRAY_ABORTED',
    });
    await array.commit();
    expect(array.get(1, 1)).toBe(5);
  });
});

describe('atomic', () => {
  test('a rollback gives the old version and the space back', async () => {
    const array = await made('atomic');
    const before = bytesOf(array.path);
    await array.begin();
    const view = array.row(0) as Float64Array;
    view[0] = 9;
    array.set(1, 1, 9);
    await array.rollback();
    expect(view.length).toBe(0);
    expect([array.get(0, 0), array.get(1, 1), array.updating]).toEqual([0, 1001, false]);
    expect(Buffer.compare(bytesOf(array.path), before)).toBe(0);
  });

  test('closing drops an open update', async () => {
    const array = await made('atomic');
    const before = bytesOf(array.path);
    await array.begin();
    array.set(1, 1, 9);
    await array.close();
    expect(Buffer.compare(bytesOf(array.path), before)).toBe(0);
  });

  test('without a copy an update begins as zeros, also in space that was used before', async () => {
    const array = await made('atomic');
    await array.begin();
    await array.commit();
    // The first version's space, behind the header, held values; after a crash it would still hold some.
    const { offset } = readContainer(bytesOf(array.path)).payload;
    await array.close();
    const bytes = bytesOf(array.path);
    bytes.fill(0xab, 4096, offset);
    writeFileSync(array.path, bytes);
    const again = closing(await PersistentArray.open(array.path, { update: 'atomic' }));
    await again.begin({ copy: false });
    expect(readContainerHeader(bytesOf(array.path)).slot.payload.offset).toBe(offset);
    again.set(2, 2, 8);
    await again.commit();
    expect(readContainer(bytesOf(array.path)).payload.offset).toBe(4096);
    expect(allValues(again).filter((value) => value !== 0)).toEqual([8]);
    expect((await again.verify()).error).toBeUndefined();
  });

  test('a process that dies during an update leaves the old version', async () => {
    const array = await made('atomic');
    await array.begin();
    array.set(1, 1, 9);
    const crashed = join(temporaryDirectory(), 'crashed.pycauset');
    copyFileSync(array.path, crashed);
    const again = closing(await PersistentArray.open(crashed, { update: 'atomic' }));
    expect(again.get(1, 1)).toBe(1001);
    expect(again.warnings.map(({ code }) => code)).toEqual(['unreferenced-bytes']);
    await again.begin();
    again.set(0, 0, 5);
    await again.commit();
    expect(again.warnings).toEqual([]);
    expect(again.get(0, 0)).toBe(5);
  });

  test('the space of an older version in the other slot is not used before that slot is a mirror', async () => {
    const array = await made('atomic');
    const first = bytesOf(array.path);
    await array.begin();
    array.set(0, 0, 7);
    await array.commit();
    await array.close();
    // As after a crash between the new slot and its mirror: slot A still says the first version.
    const bytes = bytesOf(array.path);
    const { active } = readContainerHeader(bytes);
    expect(active).toBe('B');
    bytes.set(first.subarray(slotOffset('A'), slotOffset('A') + 128), slotOffset('A'));
    bytes.set(first.subarray(4096), 4096);
    const crashed = join(temporaryDirectory(), 'crashed.pycauset');
    writeFileSync(crashed, bytes);
    const again = closing(await PersistentArray.open(crashed, { update: 'atomic' }));
    expect(again.get(0, 0)).toBe(7);
    await again.begin();
    again.set(0, 0, 8);
    // Both versions are still whole.
    expect(readContainer(bytesOf(crashed), { slot: 'A' }).payloadBytes).toEqual(
      readContainer(first).payloadBytes,
    );
    await again.commit();
    expect(again.get(0, 0)).toBe(8);
    expect(readContainer(bytesOf(crashed), { slot: 'A' }).payload).toEqual(
      readContainer(bytesOf(crashed)).payload,
    );
  });

  test('damage to either slot after a commit brings back no older version', async () => {
    const array = await made('atomic');
    for (const value of [7, 8, 9]) {
      await array.begin();
      array.set(0, 0, value);
      await array.commit();
    }
    await array.close();
    for (const slot of ['A', 'B'] as const) {
      const bytes = bytesOf(array.path);
      bytes[slotOffset(slot)] = (bytes[slotOffset(slot)] ?? 0) ^ 0xff;
      const damaged = join(temporaryDirectory(), 'damaged.pycauset');
      writeFileSync(damaged, bytes);
      const again = closing(await PersistentArray.open(damaged));
      expect(again.get(0, 0)).toBe(9);
      expect(again.warnings.map(({ code }) => code)).toEqual(['slot-ignored']);
    }
  });

  test('old versions take no disk space', async () => {
    const array = await made('atomic', { ...square, rows: 1000, columns: 1000 });
    for (let round = 0; round < 4; round++) {
      await array.begin();
      array.set(0, 0, round);
      await array.commit();
    }
    // One payload of 8 MB, not two.
    expect(statSync(array.path).blocks * 512).toBeLessThan(8e6 * 1.2);
  });
});

describe('in-place', () => {
  test('a process that dies during an update leaves a file that says so, whatever slot is read', async () => {
    const array = await made('in-place');
    await array.begin();
    array.set(1, 1, 9);
    expect(array.committed).toBe(false);
    const crashed = join(temporaryDirectory(), 'crashed.pycauset');
    copyFileSync(array.path, crashed);
    const error = await thrownBy(() => PersistentArray.open(crashed));
    expect(error).toMatchObject({ code: 'ERR_VGPU_FORMAT_NOT_COMMITTED' });
    for (const slot of ['A', 'B'] as const) {
      expect(await thrownBy(() => readContainer(bytesOf(crashed), { slot }))).toMatchObject({
        code: 'ERR_VGPU_FORMAT_NOT_COMMITTED',
      });
    }
    const anyway = closing(await PersistentArray.open(crashed, { allowUncommitted: true }));
    expect([anyway.committed, anyway.get(1, 1), anyway.get(2, 2)]).toEqual([false, 9, 2002]);
    await anyway.close();
    await repair(crashed, 'accept');
    const repaired = closing(await PersistentArray.open(crashed));
    expect([repaired.committed, repaired.get(1, 1), (await repaired.verify()).error]).toEqual([
      true,
      9,
      undefined,
    ]);
  });

  test('cannot be rolled back, and is left uncommitted by closing', async () => {
    const array = await made('in-place');
    await array.begin();
    array.set(1, 1, 9);
    expect(await thrownBy(() => array.rollback())).toMatchObject({
      code: 'ERR_VGPU_ARRAY_NO_ROLLBACK',
      remedy: expect.any(String),
    });
    await array.close();
    expect(await thrownBy(() => PersistentArray.open(array.path))).toMatchObject({
      code: 'ERR_VGPU_FORMAT_NOT_COMMITTED',
    });
  });

  test('an interrupted update can be continued', async () => {
    const array = await made('in-place');
    await array.begin();
    array.set(1, 1, 9);
    await array.close();
    const again = closing(
      await PersistentArray.open(array.path, { update: 'in-place', allowUncommitted: true }),
    );
    await again.begin();
    again.set(2, 2, 10);
    await again.commit();
    expect([again.committed, again.get(1, 1), again.get(2, 2)]).toEqual([true, 9, 10]);
    expect((await again.verify()).error).toBeUndefined();
  });

  test('accepting an interrupted update as it is gives it a checksum and an identity of its own', async () => {
    const array = await made('in-place');
    const { payloadUuid } = array.descriptor;
    await array.begin();
    array.set(1, 1, 9);
    await array.close();
    for (const update of ['atomic', 'in-place'] as const) {
      const copy = join(temporaryDirectory(), 'copy.pycauset');
      copyFileSync(array.path, copy);
      const again = closing(await PersistentArray.open(copy, { update, allowUncommitted: true }));
      await again.begin();
      await again.commit();
      expect([again.get(1, 1), (await again.verify()).error]).toEqual([9, undefined]);
      expect(again.descriptor.payloadUuid).not.toBe(payloadUuid);
    }
  });
});

test('a generation that cannot be counted up is an error that leaves the file alone', async () => {
  const array = await made('atomic');
  await array.close();
  const bytes = bytesOf(array.path);
  const { slot } = readContainerHeader(bytes);
  for (const name of ['A', 'B'] as const) {
    bytes.set(encodeSlot({ ...slot, generation: 2n ** 63n - 1n }), slotOffset(name));
  }
  writeFileSync(array.path, bytes);
  const again = closing(await PersistentArray.open(array.path, { update: 'atomic' }));
  await again.begin();
  expect(isArrayError(await thrownBy(() => again.commit()))).toBe(true);
  await again.close();
  const reopened = closing(await PersistentArray.open(array.path));
  expect(reopened.get(1, 1)).toBe(1001);
});
