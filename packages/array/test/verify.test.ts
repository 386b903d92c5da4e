// Checksums: what they find, what they cost, and files that have none of ours.
import { copyFileSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import {
  decodeMetadata,
  encodeMetadata,
  encodeSlot,
  type MetadataValue,
  meta,
  readContainer,
  slotOffset,
} from '@vgpu/format';
import { expect, test } from 'vitest';
import { chunkBytesFor, zeroChecksum } from '../src/checksum.js';
import { type NewArray, PersistentArray } from '../src/index.js';
import { closing, golden, temporaryDirectory, thrownBy } from './support.js';

/** 20 MB: five chunks of 4 MiB, the last one shorter. */
const large: NewArray = { structure: 'dense', dtype: 'f64', rows: 2500, columns: 1000 };

async function made(array: NewArray): Promise<string> {
  const path = join(temporaryDirectory(), 'array');
  const values = (row: number, column: number) => (row * 7 + column) % 100;
  await (await PersistentArray.create(path, array, { values, storedOnly: true })).close();
  return path;
}

function flip(path: string, offsetInPayload: number): void {
  const bytes = readFileSync(path);
  const { payload } = readContainer(new Uint8Array(bytes));
  bytes[payload.offset + offsetInPayload] = (bytes[payload.offset + offsetInPayload] ?? 0) ^ 1;
  writeFileSync(path, bytes);
}

test('a flipped bit is found, with its chunk and rows', async () => {
  const path = await made(large);
  flip(path, 9_000_000);
  const array = closing(await PersistentArray.open(path));
  const report = await array.verify();
  const chunk = 4 * 1024 * 1024;
  expect(report).toMatchObject({
    checksum: 'crc32',
    payloadBytes: 20_000_000,
    chunks: 5,
    damaged: [
      {
        chunk: 2,
        offset: 4096 + 2 * chunk,
        length: chunk,
        rows: [{ first: Math.floor((2 * chunk) / 8000), last: Math.floor((3 * chunk - 1) / 8000) }],
      },
    ],
    error: {
      code: 'ERR_VGPU_ARRAY_DAMAGED',
      values: { chunk: 2, damagedChunks: 1 },
      remedy: expect.any(String),
    },
  });
});

test('several damaged chunks are all named', async () => {
  const path = await made(large);
  flip(path, 0);
  flip(path, 19_999_999);
  const report = await closing(await PersistentArray.open(path)).verify();
  expect(report.damaged.map(({ chunk, rows }) => [chunk, rows.at(-1)?.last])).toEqual([
    [0, 524],
    [4, 2499],
  ]);
  expect(report.error?.message).toContain('1 more chunk');
});

test.each([
  [{ structure: 'symmetric', dtype: 'f32', rows: 3000, columns: 3000 }, 12_000, [{ first: 0, last: 372 }]],
  [
    { structure: 'dense', dtype: 'cf16', rows: 1000, columns: 1500 },
    0,
    [
      { first: 0, last: 999 },
      { first: 0, last: 398 },
    ],
  ],
  [{ structure: 'vector', dtype: 'i64', rows: 100, columns: 1 }, 799, [{ first: 0, last: 0 }]],
] as const)('rows of %o', async (array, offset, rows) => {
  const path = await made(array);
  flip(path, offset);
  const report = await closing(await PersistentArray.open(path)).verify();
  expect(report.damaged.map((damage) => damage.rows)).toEqual([rows]);
});

test('a commit reads only the chunks that were touched, and does not hide damage in the others', async () => {
  const path = await made(large);
  flip(path, 100);
  const array = closing(await PersistentArray.open(path, { update: 'in-place' }));
  await array.begin();
  array.set(2000, 0, 5);
  const totals = new Set<number>();
  await array.commit({ onProgress: (_, total) => totals.add(total) });
  expect([...totals]).toEqual([4 * 1024 * 1024]);
  const report = await array.verify();
  expect(report.damaged.map(({ chunk }) => chunk)).toEqual([0]);
});

test('an update that copies carries the old checksum over', async () => {
  const path = await made(large);
  flip(path, 100);
  const array = closing(await PersistentArray.open(path, { update: 'atomic' }));
  await array.begin();
  await array.commit();
  expect((await array.verify()).damaged.map(({ chunk }) => chunk)).toEqual([0]);
});

test('the checksum of zeros is known without reading them', () => {
  const length = 9 * 1024 * 1024 + 5;
  const { chunkBytes, values } = zeroChecksum(length);
  const chunk = 4 * 1024 * 1024;
  expect(chunkBytes).toBe(chunk);
  const crcs = [chunk, chunk, length - 2 * chunk].map((bytes) => crc32(new Uint8Array(bytes)));
  expect([...values]).toEqual(crcs);
  expect([...zeroChecksum(0).values]).toEqual([]);
});

test('the largest payload has a checksum that fits into the metadata', () => {
  expect(2 ** 50 / chunkBytesFor(2 ** 50)).toBeLessThanOrEqual(2 ** 20);
});

test('a file by another program is only read, and has a checksum from its first commit on', async () => {
  const path = join(temporaryDirectory(), 'array');
  copyFileSync(golden('dense_f64_64x64').path, path);
  const array = closing(await PersistentArray.open(path, { update: 'atomic' }));
  expect(await array.verify()).toMatchObject({ checksum: 'none', chunks: 0, damaged: [], error: undefined });
  await array.begin();
  await array.commit();
  await array.close();
  expect(await closing(await PersistentArray.open(path)).verify()).toMatchObject({
    checksum: 'crc32',
    chunks: 1,
  });
  flip(path, 5);
  expect((await closing(await PersistentArray.open(path)).verify()).damaged).toHaveLength(1);
});

/** The file with another checksum entry. */
async function withChecksum(entry: MetadataValue): Promise<string> {
  const path = await made({ structure: 'dense', dtype: 'f64', rows: 3, columns: 3 });
  const bytes = new Uint8Array(readFileSync(path));
  const { header } = readContainer(bytes);
  const { slot } = header;
  const { offset, length } = slot.metadata;
  const metadata = new Map(decodeMetadata(bytes.subarray(offset, offset + length)));
  metadata.set('vgpu', meta.map({ checksum: entry }));
  const block = encodeMetadata(metadata);
  const changed = Buffer.concat([bytes.subarray(0, offset), block]);
  for (const name of ['A', 'B'] as const) {
    changed.set(
      encodeSlot({ ...slot, metadata: { offset, length: block.length as typeof length } }),
      slotOffset(name),
    );
  }
  writeFileSync(path, changed);
  return path;
}

const crc32Entry = {
  algorithm: meta.string('crc32'),
  chunk_bytes: meta.u64(4096),
  values: meta.bytes(new Uint8Array(4)),
};

test.each([
  ['too many values', meta.map({ ...crc32Entry, values: meta.bytes(new Uint8Array(8)) })],
  ['no values', meta.map({ ...crc32Entry, values: meta.u64(1) })],
  ['chunks of nothing', meta.map({ ...crc32Entry, chunk_bytes: meta.u64(0) })],
  ['chunks without end', meta.map({ ...crc32Entry, chunk_bytes: meta.u64(2n ** 64n - 1n) })],
  ['no map', meta.u64(1)],
] as const)('a checksum with %s is bad metadata', async (_, entry) => {
  const path = await withChecksum(entry);
  expect(await thrownBy(() => PersistentArray.open(path))).toMatchObject({
    code: 'ERR_VGPU_FORMAT_BAD_METADATA',
  });
});

test('a checksum of a later version is left alone', async () => {
  const path = await withChecksum(meta.map({ ...crc32Entry, algorithm: meta.string('sha512') }));
  const array = closing(await PersistentArray.open(path));
  expect(await array.verify()).toMatchObject({ checksum: 'unknown', error: undefined });
});

test('verification can be aborted', async () => {
  const array = closing(await PersistentArray.open(await made(large)));
  const controller = new AbortController();
  const options = { signal: controller.signal, onProgress: () => controller.abort('enough') };
  expect(await thrownBy(() => array.verify(options))).toMatchObject({
    code: 'ERR_VGPU_ARRAY_ABORTED',
    cause: 'enough',
  });
  expect((await array.verify()).error).toBeUndefined();
});

test('an update during verification is no damage', async () => {
  // Sparse, so that reading it takes much longer than the update.
  const sparse: NewArray = { structure: 'dense', dtype: 'f64', rows: 2 ** 14, columns: 2 ** 13 };
  const path = join(temporaryDirectory(), 'array');
  const array = closing(await PersistentArray.create(path, sparse, { reserve: false, update: 'in-place' }));
  let updated: Promise<void> | undefined;
  const onProgress = () => {
    updated ??= array.begin();
  };
  const error = await thrownBy(() => array.verify({ onProgress }));
  await updated;
  expect(error).toMatchObject({ code: 'ERR_VGPU_ARRAY_CHANGED' });
});
