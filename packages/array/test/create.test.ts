import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { encodePayload, meta, readContainer, valuesOf, writeContainer } from '@vgpu/format';
import { expect, test } from 'vitest';
import { type NewArray, PersistentArray } from '../src/index.js';
import { allValues, closing, temporaryDirectory, thrownBy } from './support.js';

const square: NewArray = { structure: 'dense', dtype: 'f64', rows: 10, columns: 10 };

test('a new array is zero, has a checksum, and is open for updating', async () => {
  const path = join(temporaryDirectory(), 'array.pycauset');
  const array = closing(await PersistentArray.create(path, { ...square, rows: 1000, columns: 1000 }));
  expect([array.get(0, 0), array.get(999, 999), array.generation, array.update]).toEqual([
    0,
    0,
    1n,
    'atomic',
  ]);
  expect(array.descriptor.payloadUuid).toMatch(/^[0-9a-f]{32}$/);
  expect(await array.verify()).toMatchObject({ checksum: 'crc32', chunks: 2, damaged: [], error: undefined });
  expect(readdirSync(join(path, '..'))).toEqual(['array.pycauset']);
});

test('the file is the one that the format writes, but for the checksum', async () => {
  const path = join(temporaryDirectory(), 'array.pycauset');
  const payloadUuid = '0123456789abcdef';
  const values = (row: number, column: number) => row - column;
  const metadata = new Map([['properties', meta.map({ is_zero: meta.bool(false) })]]);
  await (await PersistentArray.create(path, { ...square, payloadUuid }, { values, metadata })).close();
  const descriptor = { ...square, payloadUuid };
  const expected = readContainer(
    writeContainer({ descriptor, payload: encodePayload(descriptor, values), metadata }),
  );
  const found = readContainer(new Uint8Array(readFileSync(path)));
  expect(Buffer.compare(found.payloadBytes, expected.payloadBytes)).toBe(0);
  expect(found.descriptor).toEqual(expected.descriptor);
  const withoutOurs = new Map(found.metadata);
  withoutOurs.delete('vgpu');
  expect(withoutOurs).toEqual(expected.metadata);
});

test('space is reserved unless told otherwise', async () => {
  const directory = temporaryDirectory();
  const large: NewArray = { ...square, rows: 1024, columns: 1024 };
  await (await PersistentArray.create(join(directory, 'reserved'), large)).close();
  await (await PersistentArray.create(join(directory, 'sparse'), large, { reserve: false })).close();
  expect(statSync(join(directory, 'reserved')).blocks * 512).toBeGreaterThanOrEqual(8 * 1024 * 1024);
  expect(statSync(join(directory, 'sparse')).blocks * 512).toBeLessThan(64 * 1024);
});

test('values that contradict the structure are refused, unless it is taken on trust', async () => {
  const directory = temporaryDirectory();
  const cases: [NewArray, (row: number, column: number) => number][] = [
    [{ structure: 'symmetric', dtype: 'f32', rows: 5, columns: 5 }, (row, column) => row * 5 + column],
    [{ structure: 'antisymmetric', dtype: 'i16', rows: 5, columns: 5 }, (row, column) => row + column],
    [
      { structure: 'triangular', diagonal: false, dtype: 'f64', rows: 5, columns: 5 },
      (row, column) => (row <= column ? 1 : 0),
    ],
    [{ structure: 'diagonal', dtype: 'u8', rows: 5, columns: 5 }, () => 1],
    [{ structure: 'identity', dtype: 'u8', rows: 5, columns: 5 }, () => 1],
  ];
  for (const [array, values] of cases) {
    const path = join(directory, array.structure);
    expect(await thrownBy(() => PersistentArray.create(path, array, { values }))).toMatchObject({
      code: 'ERR_VGPU_ARRAY_STRUCTURE',
      values: { structure: array.structure },
    });
    expect(readdirSync(directory)).not.toContain(array.structure);
    closing(await PersistentArray.create(path, array, { values, storedOnly: true }));
  }
  // What is rounded when it is stored is no contradiction.
  const rounded = (row: number, column: number) => 0.1 * (row + 1) * (column + 1);
  closing(
    await PersistentArray.create(
      join(directory, 'rounded'),
      { structure: 'symmetric', dtype: 'f16', rows: 5, columns: 5 },
      { values: rounded },
    ),
  );
});

test('a value that cannot be, or an error of the caller, leaves nothing behind', async () => {
  const directory = temporaryDirectory();
  const path = join(directory, 'array');
  const fails = (array: NewArray, values: (row: number, column: number) => number) =>
    thrownBy(() => PersistentArray.create(path, array, { values }));
  expect(await fails({ ...square, dtype: 'u8' }, (row) => row * 100)).toMatchObject({
    code: 'ERR_VGPU_FORMAT_ARGUMENT',
  });
  const mine = new Error('mine');
  expect(
    await fails(square, () => {
      throw mine;
    }),
  ).toBe(mine);
  expect(await thrownBy(() => PersistentArray.create(path, { ...square, rows: -1 }))).toMatchObject({
    code: 'ERR_VGPU_FORMAT_ARGUMENT',
  });
  expect(
    await thrownBy(() => PersistentArray.create(path, { ...square, rows: 2 ** 30, columns: 2 ** 30 })),
  ).toMatchObject({ code: 'ERR_VGPU_FORMAT_TOO_LARGE' });
  expect(
    await thrownBy(() => PersistentArray.create(join(directory, 'none', 'array'), square)),
  ).toMatchObject({
    code: 'ERR_VGPU_MMAP_NOT_FOUND',
  });
  expect(readdirSync(directory)).toEqual([]);
});

test('a file that is there stays, unless it is to be replaced and nobody has it open', async () => {
  const path = join(temporaryDirectory(), 'array');
  writeFileSync(path, 'precious');
  expect(await thrownBy(() => PersistentArray.create(path, square))).toMatchObject({
    code: 'ERR_VGPU_ARRAY_EXISTS',
    values: { path },
    remedy: expect.stringContaining('replace'),
  });
  expect(readFileSync(path, 'utf8')).toBe('precious');
  await (await PersistentArray.create(path, square, { replace: true, values: () => 1 })).close();
  const reader = closing(await PersistentArray.open(path));
  expect(await thrownBy(() => PersistentArray.create(path, square, { replace: true }))).toMatchObject({
    code: 'ERR_VGPU_MMAP_LOCKED',
  });
  expect(reader.get(5, 5)).toBe(1);
});

test('can be aborted while values are made and while structure is checked', async () => {
  const directory = temporaryDirectory();
  for (const structure of ['dense', 'symmetric'] as const) {
    const controller = new AbortController();
    let calls = 0;
    const values = () => {
      if (++calls === 300_000) controller.abort('enough');
      return 1;
    };
    const array = { structure, dtype: 'f64', rows: 1500, columns: 1500 } as const;
    expect(
      await thrownBy(() =>
        PersistentArray.create(join(directory, structure), array, { values, signal: controller.signal }),
      ),
    ).toMatchObject({ code: 'ERR_VGPU_ARRAY_ABORTED', cause: 'enough' });
    expect(calls).toBeLessThan(1_000_000);
  }
  expect(readdirSync(directory)).toEqual([]);
});

test('progress ends where it should', async () => {
  const path = join(temporaryDirectory(), 'array');
  const steps: [number, number][] = [];
  const array = { ...square, rows: 1000, columns: 1000 };
  closing(
    await PersistentArray.create(path, array, {
      values: () => 1,
      onProgress: (done, total) => steps.push([done, total]),
    }),
  );
  expect(steps.length).toBeGreaterThan(1);
  expect(steps.at(-1)).toEqual([8_000_000, 8_000_000]);
});

test('a block matrix is made of arrays in the folder beside it', async () => {
  const path = join(temporaryDirectory(), 'array.pycauset');
  const matrix: NewArray = {
    structure: 'block',
    rows: 5,
    columns: 4,
    rowPartitions: [0, 2, 5],
    columnPartitions: [0, 4],
    blocks: [[{ path: 'top', payloadUuid: 'aa' }], [{ path: 'bottom', payloadUuid: 'bb' }]],
  };
  expect(await thrownBy(() => PersistentArray.create(path, matrix))).toMatchObject({
    code: 'ERR_VGPU_FORMAT_BLOCKS',
  });
  expect(readdirSync(join(path, '..'))).toEqual([]);
  mkdirSync(`${path}.blocks`);
  const part = { structure: 'dense', dtype: 'f32', columns: 4 } as const;
  const values = (row: number, column: number) => row * 10 + column;
  await (
    await PersistentArray.create(
      join(`${path}.blocks`, 'top'),
      { ...part, rows: 2, payloadUuid: 'aa' },
      { values },
    )
  ).close();
  await (
    await PersistentArray.create(
      join(`${path}.blocks`, 'bottom'),
      { ...part, rows: 3, payloadUuid: 'bb' },
      { values },
    )
  ).close();
  const array = closing(await PersistentArray.create(path, matrix));
  expect([array.get(1, 3), array.get(2, 0), array.get(4, 3)]).toEqual([13, 0, 23]);
  expect(await thrownBy(() => array.row(0))).toMatchObject({ code: 'ERR_VGPU_ARRAY_STRUCTURE' });
  expect(await thrownBy(() => array.begin())).toMatchObject({ code: 'ERR_VGPU_ARRAY_STRUCTURE' });
  // Its blocks are locked as it is.
  expect(
    await thrownBy(() => PersistentArray.open(join(`${path}.blocks`, 'top'), { update: 'atomic' })),
  ).toMatchObject({ code: 'ERR_VGPU_MMAP_LOCKED' });
  const bytes = new Uint8Array(readFileSync(path));
  const load = (name: string) => new Uint8Array(readFileSync(join(`${path}.blocks`, name)));
  expect(allValues(array)).toEqual(allValues(valuesOf(readContainer(bytes), load)));
});
