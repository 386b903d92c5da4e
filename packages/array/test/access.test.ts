// Looking at an array: single values, views, windows, blocks, and what is refused.
import { join } from 'node:path';
import { payloadLayout } from '@vgpu/format';
import { MappedFile, maximumWindowBytes } from '@vgpu/mmap-native';
import { describe, expect, test } from 'vitest';
import { type Block, type NewArray, PersistentArray, type PlanarView } from '../src/index.js';
import { Windows } from '../src/windows.js';
import { allValues, closing, temporaryDirectory, thrownBy } from './support.js';

function newPath(): string {
  return join(temporaryDirectory(), 'array.pycauset');
}

async function made(array: NewArray, values = (row: number, column: number) => row * 1000 + column) {
  return closing(await PersistentArray.create(newPath(), array, { values }));
}

describe('views', () => {
  test.each([
    ['i8', Int8Array, [0, 1, 2]],
    ['u8', Uint8Array, [0, 1, 2]],
    ['i16', Int16Array, [0, 1, 2]],
    ['u16', Uint16Array, [0, 1, 2]],
    ['i32', Int32Array, [0, 1, 2]],
    ['u32', Uint32Array, [0, 1, 2]],
    ['i64', BigInt64Array, [0n, 1n, 2n]],
    ['u64', BigUint64Array, [0n, 1n, 2n]],
    ['f16', Uint16Array, [0, 0x3c00, 0x4000]],
    ['f32', Float32Array, [0, 1, 2]],
    ['f64', Float64Array, [0, 1, 2]],
    ['cf32', Float32Array, [0, 0, 1, 0, 2, 0]],
    ['cf64', Float64Array, [0, 0, 1, 0, 2, 0]],
  ] as const)('a row of %s', async (dtype, type, expected) => {
    const array = await made({ structure: 'dense', dtype, rows: 5, columns: 3 }, (_, column) => column);
    const row = array.row(4);
    expect(row).toBeInstanceOf(type);
    expect([...(row as Float64Array)]).toEqual(expected);
  });

  test('bits come packed, the lowest first', async () => {
    const array = await made({ structure: 'dense', dtype: 'bit', rows: 3, columns: 12 }, (row, column) =>
      column === row || column === 9 ? 1 : 0,
    );
    expect([...(array.row(2) as Uint8Array)]).toEqual([0b100, 0b10]);
    expect(array.values()).toHaveLength(3 * 64);
  });

  test('cf16 comes in two planes', async () => {
    const path = newPath();
    const array = closing(
      await PersistentArray.create(
        path,
        { structure: 'dense', dtype: 'cf16', rows: 2, columns: 3 },
        { values: (row, column) => ({ re: row + column, im: -1 }) },
      ),
    );
    const { re, im } = array.row(1) as PlanarView;
    expect([[...re], [...im]]).toEqual([
      [0x3c00, 0x4000, 0x4200],
      [0xbc00, 0xbc00, 0xbc00],
    ]);
    await array.begin();
    (array.row(0) as PlanarView).im[2] = 0x3c00;
    array.set(1, 0, { re: 0.5, im: 8 });
    await array.commit();
    expect([array.get(0, 2), array.get(1, 0)]).toEqual([
      { re: 2, im: 1 },
      { re: 0.5, im: 8 },
    ]);
    expect((await array.verify()).error).toBeUndefined();
  });

  test('rows of a triangle get shorter, the last of a strict one is empty', async () => {
    const array = await made(
      { structure: 'triangular', diagonal: false, dtype: 'i16', rows: 4, columns: 4 },
      (row, column) => (row < column ? 10 * row + column : 0),
    );
    expect([0, 1, 2, 3].map((row) => [...(array.row(row) as Int16Array)])).toEqual([
      [1, 2, 3],
      [12, 13],
      [23],
      [],
    ]);
    // Padding between rows is included.
    expect([...(array.block(0, 2) as Int16Array)]).toEqual([1, 2, 3, 0, 12, 13]);
  });

  test('what stores nothing has no views', async () => {
    const array = await made({ structure: 'identity', dtype: 'f64', rows: 4, columns: 4 }, (row, column) =>
      row === column ? 1 : 0,
    );
    expect(array.get(2, 2)).toBe(1);
    for (const view of [() => array.row(0), () => array.block(0, 1), () => array.values()]) {
      expect(await thrownBy(view)).toMatchObject({ code: 'ERR_VGPU_ARRAY_STRUCTURE' });
    }
  });
});

describe('windows', () => {
  test('elements and ranges across the border of two windows are the same bytes', () => {
    const path = newPath();
    using file = MappedFile.create(path, { size: 100_000 });
    const bytes = Uint8Array.from({ length: 100_000 }, (_, index) => (index * 7) % 251);
    file.write(0, bytes);
    const windows = new Windows(file, { offset: 4096, length: 90_000 }, 8192);
    for (const [offset, length] of [
      [0, 8192],
      [8190, 4],
      [8190, 4],
      [1, 70_000],
      [89_999, 1],
      [50, 0],
    ] as const) {
      expect(
        Buffer.compare(windows.bytes(offset, length), bytes.subarray(4096 + offset, 4096 + offset + length)),
      ).toBe(0);
    }
    const across = windows.bytes(8190, 4);
    across[2] = 255;
    expect(windows.view(8192).getUint8(windows.within(8192))).toBe(255);
    expect(windows.view(24_576).getUint8(windows.within(24_580))).toBe(bytes[4096 + 24_580]);
    windows.close();
    expect(across.length).toBe(0);
  });

  test('a view that no ArrayBuffer can hold says what to use instead', async () => {
    const path = newPath();
    const array = closing(
      await PersistentArray.create(
        path,
        { structure: 'dense', dtype: 'f64', rows: 2 ** 16, columns: 2 ** 14 },
        { reserve: false, update: 'in-place' },
      ),
    );
    expect(await thrownBy(() => array.values())).toMatchObject({
      code: 'ERR_VGPU_ARRAY_TOO_LARGE_VIEW',
      values: { length: 2 ** 33, limit: maximumWindowBytes },
      remedy: expect.stringMatching(/block\(\).*blocks\(\)/),
    });
    const rows = 2 ** 14;
    // 2 GiB from the middle of one window to the middle of another.
    expect(array.block(rows / 2, rows)).toHaveLength(rows * 2 ** 14);
  });
});

describe('blocks', () => {
  const structures: NewArray[] = [
    { structure: 'dense', dtype: 'f64', rows: 300, columns: 70 },
    { structure: 'dense', dtype: 'bit', rows: 300, columns: 70 },
    { structure: 'dense', dtype: 'cf16', rows: 100, columns: 70 },
    { structure: 'dense', dtype: 'u8', rows: 3, columns: 20_000 },
    { structure: 'dense', dtype: 'bit', rows: 2, columns: 100_000 },
    { structure: 'symmetric', dtype: 'f32', rows: 150, columns: 150 },
    { structure: 'triangular', diagonal: false, dtype: 'cf64', rows: 80, columns: 80 },
    { structure: 'vector', dtype: 'i64', rows: 9000, columns: 1 },
    { structure: 'diagonal', dtype: 'bit', rows: 90_000, columns: 90_000 },
    { structure: 'dense', dtype: 'f64', rows: 10, columns: 0 },
  ];

  test.each(structures)('of $structure $dtype cover every stored element once', async (input) => {
    const array = closing(
      await PersistentArray.create(newPath(), input, { storedOnly: true, values: stored }),
    );
    const { layout } = array;
    let [row, element, elements] = [0, 0, 0];
    for await (const block of array.blocks({ blockBytes: 4096 })) {
      expect([block.firstRow, block.firstElement]).toEqual([row, element]);
      expect(bytesIn(block)).toBeLessThanOrEqual(4096);
      elements += block.elementCount;
      if (block.rowCount === 1 && element + block.elementCount < layout.rowElements(row)) {
        element += block.elementCount;
      } else {
        [row, element] = [row + block.rowCount, 0];
      }
      if (block.rowCount > 1 || block.elementCount === layout.rowElements(block.firstRow)) {
        if (block.elementCount > 0) expect(block.values).toEqual(array.block(block.firstRow, block.rowCount));
      }
    }
    expect([row, element]).toEqual([layout.storedRows, 0]);
    let expected = 0;
    for (let each = 0; each < layout.storedRows; each++) expected += layout.rowElements(each);
    expect(elements).toBe(expected);
  });

  function stored(row: number, column: number): number {
    return (row * 31 + column * 7) % 2;
  }

  function bytesIn({ values }: Block): number {
    return 're' in values ? values.re.byteLength + values.im.byteLength : values.byteLength;
  }

  test('can be written to during an update', async () => {
    const array = await made({ structure: 'dense', dtype: 'i32', rows: 500, columns: 20 });
    await array.begin();
    for await (const block of array.blocks({ blockBytes: 4096 })) {
      const values = block.values as Int32Array;
      for (let index = 0; index < values.length; index++) values[index] = -(values[index] ?? 0);
    }
    await array.commit();
    expect(array.get(499, 19)).toBe(-499_019);
    expect((await array.verify()).error).toBeUndefined();
  });

  test('a view is dead once the next block is asked for, and after leaving the loop', async () => {
    const array = await made({ structure: 'dense', dtype: 'f64', rows: 300, columns: 70 });
    const views: Float64Array[] = [];
    for await (const { values } of array.blocks({ blockBytes: 65_536 })) {
      views.push(values as Float64Array);
      if (views.length === 2) break;
    }
    expect(views.map(({ length }) => length)).toEqual([0, 0]);
  });

  test('stop when the array is updated, closed or the signal fires', async () => {
    const array = await made({ structure: 'dense', dtype: 'f64', rows: 300, columns: 70 });
    const first = array.blocks({ blockBytes: 4096 });
    await first.next();
    await array.begin();
    expect(await thrownBy(() => first.next())).toMatchObject({ code: 'ERR_VGPU_ARRAY_CHANGED' });
    await array.rollback();

    const controller = new AbortController();
    const second = array.blocks({ blockBytes: 4096, signal: controller.signal });
    await second.next();
    controller.abort('enough');
    expect(await thrownBy(() => second.next())).toMatchObject({
      code: 'ERR_VGPU_ARRAY_ABORTED',
      cause: 'enough',
    });

    const third = array.blocks({ blockBytes: 4096 });
    await third.next();
    await array.close();
    expect(await thrownBy(() => third.next())).toMatchObject({ code: 'ERR_VGPU_ARRAY_CHANGED' });
  });

  test.each([0, 4095, 4096.5, Number.NaN, 2 ** 40])('of %d bytes are refused', async (blockBytes) => {
    const array = await made({ structure: 'dense', dtype: 'f64', rows: 3, columns: 7 });
    expect(await thrownBy(() => array.blocks({ blockBytes }).next())).toMatchObject({
      code: 'ERR_VGPU_ARRAY_ARGUMENT',
    });
  });
});

describe('setting', () => {
  async function updating(array: NewArray): Promise<PersistentArray> {
    const result = closing(await PersistentArray.create(newPath(), array));
    await result.begin();
    return result;
  }

  test('one of a pair of mirrored elements sets both', async () => {
    const symmetric = await updating({ structure: 'symmetric', dtype: 'f32', rows: 5, columns: 5 });
    symmetric.set(4, 1, 3);
    expect([symmetric.get(1, 4), symmetric.get(4, 1)]).toEqual([3, 3]);
    const antisymmetric = await updating({ structure: 'antisymmetric', dtype: 'i8', rows: 5, columns: 5 });
    antisymmetric.set(4, 1, 3);
    expect([antisymmetric.get(1, 4), antisymmetric.get(4, 1)]).toEqual([-3, 3]);
    expect(await thrownBy(() => antisymmetric.set(4, 1, -128))).toMatchObject({
      code: 'ERR_VGPU_ARRAY_STRUCTURE',
    });
    expect(antisymmetric.get(4, 1)).toBe(3);
  });

  test('what follows from the structure can be set to nothing else', async () => {
    const triangular = await updating({
      structure: 'triangular',
      diagonal: true,
      dtype: 'f64',
      rows: 5,
      columns: 5,
    });
    triangular.set(4, 1, 0);
    expect(await thrownBy(() => triangular.set(4, 1, 1))).toMatchObject({
      code: 'ERR_VGPU_ARRAY_STRUCTURE',
      values: { row: 4, column: 1 },
    });
    const identity = await updating({ structure: 'identity', dtype: 'f64', rows: 5, columns: 5 });
    identity.set(1, 1, 1);
    expect(await thrownBy(() => identity.set(1, 1, 2))).toMatchObject({ code: 'ERR_VGPU_ARRAY_STRUCTURE' });
  });

  test('goes through the view, except through a factor', async () => {
    const common = { structure: 'dense', dtype: 'cf64', rows: 2, columns: 3 } as const;
    const array = await updating({ ...common, view: { transposed: true, conjugated: true } });
    expect([array.rows, array.columns]).toEqual([3, 2]);
    array.set(2, 1, { re: 1, im: 5 });
    expect(array.get(2, 1)).toEqual({ re: 1, im: 5 });
    expect([...(array.row(1) as Float64Array)]).toEqual([0, 0, 0, 0, 1, -5]);
    const scaled = await updating({ ...common, view: { scalar: { re: 3, im: 0 } } });
    expect(await thrownBy(() => scaled.set(0, 0, 1))).toMatchObject({
      code: 'ERR_VGPU_ARRAY_STRUCTURE',
      remedy: expect.stringContaining('row()'),
    });
  });

  test('refuses values that the dtype cannot hold', async () => {
    const array = await updating({ structure: 'dense', dtype: 'u8', rows: 2, columns: 2 });
    for (const value of [256, -1, 1.5, Number.NaN, { re: 1, im: 1 }]) {
      expect(await thrownBy(() => array.set(0, 0, value))).toMatchObject({
        code: 'ERR_VGPU_FORMAT_ARGUMENT',
      });
    }
    expect(array.get(0, 0)).toBe(0);
  });
});

describe('misuse', () => {
  const square: NewArray = { structure: 'dense', dtype: 'f64', rows: 3, columns: 3 };

  test.each([
    [-1, 0],
    [3, 0],
    [0, 3],
    [0.5, 0],
    [Number.NaN, 0],
    [2 ** 60, 0],
  ])('there is no element (%d, %d)', async (row, column) => {
    const array = await made(square);
    await array.begin();
    expect(await thrownBy(() => array.get(row, column))).toMatchObject({ code: 'ERR_VGPU_ARRAY_RANGE' });
    expect(await thrownBy(() => array.set(row, column, 1))).toMatchObject({ code: 'ERR_VGPU_ARRAY_RANGE' });
  });

  test.each([
    [0, 4],
    [3, 1],
    [0, 0],
    [0, -1],
    [1, 1.5],
    [2, Number.MAX_SAFE_INTEGER],
  ])('there is no block of rows (%d, %d)', async (first, count) => {
    const array = await made(square);
    expect(await thrownBy(() => array.block(first, count))).toMatchObject({ code: 'ERR_VGPU_ARRAY_RANGE' });
  });

  test('changing without begin(), or twice begun, or read only', async () => {
    const array = await made(square);
    for (const action of [() => array.set(0, 0, 1), () => array.commit(), () => array.rollback()]) {
      expect(await thrownBy(action)).toMatchObject({
        code: 'ERR_VGPU_ARRAY_NO_DRAFT',
        remedy: 'Call begin() first.',
      });
    }
    await array.begin();
    expect(await thrownBy(() => array.begin())).toMatchObject({ code: 'ERR_VGPU_ARRAY_DRAFT_OPEN' });
    await array.close();
    const reader = closing(await PersistentArray.open(array.path));
    expect(reader.update).toBeUndefined();
    for (const action of [
      () => reader.set(0, 0, 1),
      () => reader.begin(),
      () => reader.commit(),
      () => reader.rollback(),
    ]) {
      expect(await thrownBy(action)).toMatchObject({ code: 'ERR_VGPU_ARRAY_READ_ONLY' });
    }
  });

  test('two at a time', async () => {
    const array = await made(square);
    const begun = array.begin();
    expect(await thrownBy(() => array.begin())).toMatchObject({ code: 'ERR_VGPU_ARRAY_BUSY' });
    // The published version can still be read.
    expect(array.get(1, 1)).toBe(1001);
    await begun;
    const committed = array.commit();
    for (const action of [
      () => array.get(0, 0),
      () => array.set(0, 0, 1),
      () => array.row(0),
      () => array.commit(),
    ]) {
      expect(await thrownBy(action)).toMatchObject({
        code: 'ERR_VGPU_ARRAY_BUSY',
        values: { running: 'commit' },
      });
    }
    // Closing waits.
    await array.close();
    await committed;
    const again = closing(await PersistentArray.open(array.path));
    expect([again.generation, again.warnings]).toEqual([2n, []]);
  });

  test('after close()', async () => {
    const array = await made(square);
    await array.close();
    await array.close();
    expect(array.closed).toBe(true);
    for (const action of [
      () => array.get(0, 0),
      () => array.set(0, 0, 1),
      () => array.row(0),
      () => array.values(),
      () => array.blocks(),
      () => array.begin(),
      () => array.commit(),
      () => array.rollback(),
      () => array.verify(),
      () => array.discard(),
    ]) {
      expect(await thrownBy(action)).toMatchObject({ code: 'ERR_VGPU_ARRAY_CLOSED' });
    }
  });

  test('options that contradict each other', async () => {
    const path = newPath();
    const array = closing(await PersistentArray.create(path, square, { update: 'in-place' }));
    expect(await thrownBy(() => array.begin({ copy: false }))).toMatchObject({
      code: 'ERR_VGPU_ARRAY_ARGUMENT',
    });
    await array.close();
    expect(
      await thrownBy(() => PersistentArray.open(path, { update: 'atomic', lock: 'none' })),
    ).toMatchObject({
      code: 'ERR_VGPU_ARRAY_ARGUMENT',
    });
  });

  test('verifying an in-place update that is open', async () => {
    const array = closing(await PersistentArray.create(newPath(), square, { update: 'in-place' }));
    await array.begin();
    expect(await thrownBy(() => array.verify())).toMatchObject({ code: 'ERR_VGPU_ARRAY_DRAFT_OPEN' });
  });
});

test('giving memory back changes no value', async () => {
  const array = await made({ structure: 'dense', dtype: 'f64', rows: 200, columns: 200 });
  const before = allValues(array);
  await array.discard();
  expect(allValues(array)).toEqual(before);
  await array.begin();
  array.set(0, 0, 5);
  await array.discard();
  expect(array.get(0, 0)).toBe(5);
});

test('the layout is the one of the format', async () => {
  const array = await made({ structure: 'symmetric', dtype: 'f32', rows: 9, columns: 9 }, () => 1);
  const { byteLength } = payloadLayout({ structure: 'symmetric', dtype: 'f32', rows: 9, columns: 9 });
  expect(array.layout.byteLength).toBe(byteLength);
});
