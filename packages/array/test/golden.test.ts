import { copyFileSync, cpSync, existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  isFormatError,
  readContainer,
  readNpy,
  shapeOf,
  UnidentifiedStructureError,
  valuesOf,
} from '@vgpu/format';
import { describe, expect, test } from 'vitest';
import { diagnose, exportNpy, PersistentArray } from '../src/index.js';
import {
  allValues,
  closing,
  golden,
  goldenNames,
  goldenValues,
  temporaryDirectory,
  thrownBy,
} from './support.js';

/** A copy that may be changed, with the folder of its blocks if there is one. */
function copyOf(path: string): string {
  const copy = join(temporaryDirectory(), 'copy.pycauset');
  copyFileSync(path, copy);
  if (existsSync(`${path}.blocks`)) cpSync(`${path}.blocks`, `${copy}.blocks`, { recursive: true });
  return copy;
}

const good = [...goldenNames(), ...goldenNames('handmade')];

test('the golden files are all there', () => {
  expect(good).toHaveLength(116);
  expect(goldenNames('broken')).toHaveLength(83);
});

describe.each(good)('%s', (name) => {
  const file = golden(name);

  test('opens to its values and stays as it is', async () => {
    const path = copyOf(file.path);
    const array = closing(await PersistentArray.open(path));
    expect(array.warnings).toEqual([]);
    expect(allValues(array)).toEqual(goldenValues(file, array.dtype));
    expect((await array.verify()).checksum).toBe('none');
    await array.close();
    const writable = closing(await PersistentArray.open(path, { update: 'atomic' }));
    expect(allValues(writable)).toEqual(goldenValues(file, writable.dtype));
    await writable.close();
    expect(Buffer.compare(readFileSync(path), file.bytes)).toBe(0);
  });

  test('is exported to its values', async () => {
    const npyPath = join(temporaryDirectory(), 'out.npy');
    await exportNpy(file.path, npyPath);
    const npy = readNpy(new Uint8Array(readFileSync(npyPath)));
    const array = closing(await PersistentArray.open(file.path));
    expect(npy.shape).toEqual(shapeOf(array.descriptor, array));
    const values = allValues({
      rows: array.rows,
      columns: array.columns,
      get: (row, column) => (npy.shape.length === 1 ? npy.get(row) : npy.get(row, column)),
    });
    expect(values).toEqual(goldenValues(file, array.dtype));
  });

  test('is the same byte for byte after an update that was dropped', async () => {
    const path = copyOf(file.path);
    const array = closing(await PersistentArray.open(path, { update: 'atomic' }));
    await array.begin();
    await array.rollback();
    await array.close();
    expect(Buffer.compare(readFileSync(path), file.bytes)).toBe(0);
  });

  test.each(['atomic', 'in-place'] as const)(
    'keeps values and payload through a commit, %s',
    async (update) => {
      const path = copyOf(file.path);
      const array = closing(await PersistentArray.open(path, { update }));
      await array.begin();
      await array.commit();
      await array.close();
      const bytes = new Uint8Array(readFileSync(path));
      const [before, after] = [readContainer(file.bytes), readContainer(bytes)];
      expect(after.warnings).toEqual([]);
      expect(after.descriptor).toEqual(before.descriptor);
      expect(Buffer.compare(after.payloadBytes, before.payloadBytes)).toBe(0);
      const kept = new Map(after.metadata);
      kept.delete('vgpu');
      for (const [key, value] of before.metadata) {
        // These we write in our own words: names of structures, and flags that were left out.
        if (!['payload_layout', 'view', 'matrix_type', 'data_type', 'seed'].includes(key)) {
          expect(kept.get(key)).toEqual(value);
        }
      }
      const again = closing(await PersistentArray.open(path));
      expect(allValues(again)).toEqual(goldenValues(file, again.dtype));
      expect(await again.verify()).toMatchObject({ checksum: 'crc32', error: undefined });
    },
  );
});

describe.each(goldenNames('broken'))('%s', (name) => {
  const file = golden(name);

  // The verdict on each file is tested in @vgpu/format, and must be the same for a file that is not read as a whole.
  test('gives the error or the values that it should', async () => {
    const expected = await thrownBy(() => {
      const container = readContainer(file.bytes);
      throw { warnings: container.warnings.map(({ code }) => code), values: allValues(valuesOf(container)) };
    });
    if (isFormatError(expected)) {
      const error = await thrownBy(() => PersistentArray.open(file.path));
      expect(error).toMatchObject({ code: expected.code, values: expected.values });
      const { error: diagnosed } = await diagnose(file.path);
      // Blocks are other files.
      if (expected.code !== 'ERR_VGPU_FORMAT_BLOCKS')
        expect(diagnosed).toMatchObject({ code: expected.code });
      return;
    }
    const array = closing(await PersistentArray.open(file.path));
    expect({ warnings: array.warnings.map(({ code }) => code), values: allValues(array) }).toEqual(expected);
  });
});

describe.each(goldenNames('unloadable'))('%s', (name) => {
  const file = golden(name);

  test('is opened when told what it is', async () => {
    expect(await thrownBy(() => PersistentArray.open(file.path))).toBeInstanceOf(UnidentifiedStructureError);
    const structure = file.structure as 'symmetric' | 'antisymmetric' | 'diagonal';
    const array = closing(await PersistentArray.open(file.path, { assume: { structure, dtype: 'f64' } }));
    expect(allValues(array)).toEqual(goldenValues(file, 'f64'));
  });
});
