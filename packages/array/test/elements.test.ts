// Windows of elements, read ahead and given back one by one.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { type NewArray, PersistentArray, type PlanarView } from '../src/index.js';
import { closing, temporaryDirectory, thrownBy } from './support.js';

async function made(
  array: NewArray,
  update: 'atomic' | 'in-place' = 'atomic',
  values = (row: number, column: number) => 10 * row + column,
) {
  const path = join(temporaryDirectory(), 'array.pycauset');
  return closing(await PersistentArray.create(path, array, { values, update }));
}

describe('elements', () => {
  test('go on across rows', async () => {
    const array = await made({ structure: 'dense', dtype: 'f64', rows: 3, columns: 4 });
    expect([...(array.elements(2, 5) as Float64Array)]).toEqual([2, 3, 10, 11, 12]);
    expect(array.elements(12, 0)).toHaveLength(0);
  });

  test('of a vector and of two planes', async () => {
    const vector = await made({ structure: 'vector', dtype: 'i64', rows: 5, columns: 1 });
    expect([...(vector.elements(3, 2) as BigInt64Array)]).toEqual([30n, 40n]);
    const halves = await made({ structure: 'dense', dtype: 'cf16', rows: 2, columns: 2 });
    expect([...(halves.elements(1, 2) as PlanarView).re]).toEqual([0x3c00, 0x4900]);
  });

  test('are refused where rows are padded, and beyond the end', async () => {
    const bits = await made({ structure: 'dense', dtype: 'bit', rows: 0, columns: 4 });
    expect(await thrownBy(() => bits.elements(0, 0))).toMatchObject({ code: 'ERR_VGPU_ARRAY_STRUCTURE' });
    const array = await made({ structure: 'dense', dtype: 'u8', rows: 2, columns: 2 });
    for (const [first, count] of [
      [0, 5],
      [4, 1],
      [-1, 1],
      [0.5, 1],
    ] as const) {
      expect(await thrownBy(() => array.elements(first, count))).toMatchObject({
        code: 'ERR_VGPU_ARRAY_RANGE',
        values: { first, count, elements: 4 },
      });
      await expect(array.prefetch(first, count)).rejects.toMatchObject({ code: 'ERR_VGPU_ARRAY_RANGE' });
      await expect(array.discard(first, count)).rejects.toMatchObject({ code: 'ERR_VGPU_ARRAY_RANGE' });
    }
  });

  test('stay what they were when their memory is given back', async () => {
    const array = await made({ structure: 'vector', dtype: 'f64', rows: 10_000, columns: 1 }, 'in-place');
    await array.begin();
    const view = array.elements(1000, 8000) as Float64Array;
    view.fill(7);
    await array.discard(1000, 8000);
    await array.prefetch(1000, 8000);
    expect(view.every((value) => value === 7)).toBe(true);
    await array.commit();
    expect(view).toHaveLength(0);
    expect([array.get(999, 0), array.get(1000, 0), array.get(9000, 0)]).toEqual([9990, 7, 90_000]);
    expect((await array.verify()).error).toBeUndefined();
  });

  test('reading ahead can be aborted', async () => {
    const array = await made({ structure: 'vector', dtype: 'f64', rows: 10, columns: 1 });
    await expect(array.prefetch(0, 10, { signal: AbortSignal.abort('no') })).rejects.toMatchObject({
      code: 'ERR_VGPU_ARRAY_ABORTED',
      cause: 'no',
    });
  });
});

describe('flush', () => {
  test('writes an update down without publishing it', async () => {
    const array = await made(
      { structure: 'vector', dtype: 'u8', rows: 5000, columns: 1 },
      'in-place',
      () => 0,
    );
    await expect(array.flush()).rejects.toMatchObject({ code: 'ERR_VGPU_ARRAY_NO_DRAFT' });
    await array.begin();
    (array.elements(0, 5000) as Uint8Array).fill(0xab);
    await array.flush();
    expect(readFileSync(array.path).filter((byte) => byte === 0xab).length).toBeGreaterThanOrEqual(5000);
    await array.close();
    expect(await thrownBy(() => PersistentArray.open(array.path))).toMatchObject({
      code: 'ERR_VGPU_FORMAT_NOT_COMMITTED',
    });
    const again = closing(
      await PersistentArray.open(array.path, { update: 'in-place', allowUncommitted: true }),
    );
    await again.begin();
    expect((again.elements(0, 5000) as Uint8Array).every((byte) => byte === 0xab)).toBe(true);
    await again.commit();
    expect((await again.verify()).error).toBeUndefined();
  });
});
