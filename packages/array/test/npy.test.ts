// NumPy's files, in and out.
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  type Dtype,
  dtypes,
  isFormatError,
  type NpyDtype,
  readContainer,
  readNpy,
  type Scalar,
  toNpy,
  writeNpy,
} from '@vgpu/format';
import { describe, expect, test } from 'vitest';
import { exportNpy, importNpy, type NewArray, PersistentArray } from '../src/index.js';
import { allValues, closing, packageDirectory, temporaryDirectory, thrownBy } from './support.js';

const numpyFiles = join(packageDirectory, '../format/test/npy');

function sample(dtype: Dtype, row: number, column: number): Scalar {
  const value = (row * 7 + column * 3) % (dtype === 'bit' ? 2 : 50);
  if (dtype.startsWith('cf')) return { re: value, im: row - column };
  return dtype === 'i64' || dtype === 'u64' ? BigInt(value) : value;
}

/** As a machine of the other byte order would write it. */
function bigEndian(npy: Uint8Array): Uint8Array {
  const { dataOffset, data, dtype } = readNpy(npy);
  const header = Buffer.from(npy.subarray(0, dataOffset)).toString('latin1').replace("'<", "'>");
  const swapped = Buffer.from(data);
  const size = Number(dtype.replace(/\D/g, '')) / 8;
  if (size === 2) swapped.swap16();
  else if (size === 4) swapped.swap32();
  else swapped.swap64();
  return Buffer.concat([Buffer.from(header, 'latin1'), swapped]);
}

const npyDtypes = dtypes.filter((dtype): dtype is NpyDtype => dtype !== 'cf16');

describe('import', () => {
  async function imported(bytes: Uint8Array): Promise<PersistentArray> {
    const directory = temporaryDirectory();
    writeFileSync(join(directory, 'in.npy'), bytes);
    return closing(await importNpy(join(directory, 'in.npy'), join(directory, 'out.pycauset')));
  }

  test.each(npyDtypes)(
    'a matrix of %s, in either byte order, storage order and every version',
    async (dtype) => {
      for (const version of [1, 2, 3] as const) {
        for (const fortranOrder of [false, true]) {
          const npy = writeNpy({ dtype, shape: [13, 70], version, fortranOrder }, (row = 0, column = 0) =>
            sample(dtype, row, column),
          );
          for (const bytes of /^(bit|.8)$/.test(dtype) ? [npy] : [npy, bigEndian(npy)]) {
            const array = await imported(bytes);
            expect([array.rows, array.columns, array.dtype]).toEqual([13, 70, dtype]);
            for (const [row, column] of [
              [0, 0],
              [12, 69],
              [12, 0],
              [0, 69],
              [5, 33],
            ] as const) {
              expect(array.get(row, column)).toEqual(sample(dtype, row, column));
            }
            expect(array.warnings).toEqual([]);
            expect(await array.verify()).toMatchObject({ checksum: 'crc32', error: undefined });
            await array.close();
          }
        }
      }
    },
  );

  test.each(npyDtypes)('a vector of %s', async (dtype) => {
    const array = await imported(writeNpy({ dtype, shape: [100] }, (row = 0) => sample(dtype, row, 1)));
    expect(array.descriptor.structure).toBe('vector');
    expect(allValues(array)).toEqual(Array.from({ length: 100 }, (_, row) => sample(dtype, row, 1)));
  });

  test('nothing is lost of bit patterns that no computation makes', async () => {
    const npy = writeNpy({ dtype: 'f64', shape: [4] }, () => 0);
    const payload = new BigUint64Array([
      0x7ff8_0000_0000_1234n,
      0xfff0_0000_0000_0001n,
      1n,
      0x8000_0000_0000_0000n,
    ]);
    npy.set(new Uint8Array(payload.buffer), npy.length - 32);
    const array = await imported(npy);
    const out = join(temporaryDirectory(), 'out.npy');
    await exportNpy(array, out);
    expect(Buffer.compare(readFileSync(out), npy)).toBe(0);
  });

  test('more than a piece, and more than a chunk', async () => {
    const [rows, columns] = [1500, 1000];
    for (const dtype of ['f64', 'bit'] as const) {
      const npy = writeNpy(
        { dtype, shape: [rows, columns] },
        (row = 0, column = 0) => (row * 13 + column) % 2,
      );
      const array = await imported(npy);
      expect((await array.verify()).error).toBeUndefined();
      const out = join(temporaryDirectory(), 'out.npy');
      await exportNpy(array, out);
      expect(Buffer.compare(readFileSync(out), npy)).toBe(0);
    }
  });

  test('empty arrays', async () => {
    for (const shape of [[0], [0, 3], [3, 0]]) {
      const array = await imported(writeNpy({ dtype: 'f32', shape }, () => 0));
      expect([array.rows, array.columns]).toEqual([shape[0], shape[1] ?? 1]);
    }
  });

  // What NumPy itself wrote.
  test.each(readdirSync(numpyFiles).filter((name) => name.endsWith('.npy')))('%s', async (name) => {
    const bytes = new Uint8Array(readFileSync(join(numpyFiles, name)));
    const expected = await thrownBy(() => {
      throw readNpy(bytes);
    });
    const directory = temporaryDirectory();
    const path = join(directory, 'out.pycauset');
    const action = () => importNpy(join(numpyFiles, name), path);
    if (isFormatError(expected)) {
      expect(await thrownBy(action)).toMatchObject({ code: expected.code });
      expect(readdirSync(directory)).toEqual([]);
      return;
    }
    const npy = expected as ReturnType<typeof readNpy>;
    if (npy.shape.length < 1 || npy.shape.length > 2) {
      expect(await thrownBy(action)).toMatchObject({
        code: 'ERR_VGPU_ARRAY_SHAPE',
        values: { dimensions: npy.shape.length },
      });
      expect(readdirSync(directory)).toEqual([]);
      return;
    }
    const array = closing(await action());
    const get = (row: number, column: number) =>
      npy.shape.length === 1 ? npy.get(row) : npy.get(row, column);
    expect(allValues(array)).toEqual(allValues({ rows: array.rows, columns: array.columns, get }));
  });

  test('a file that ends too early leaves nothing behind', async () => {
    const directory = temporaryDirectory();
    const npy = writeNpy({ dtype: 'f64', shape: [10, 10] }, () => 1);
    for (const length of [0, 5, 60, npy.length - 1]) {
      writeFileSync(join(directory, 'in.npy'), npy.subarray(0, length));
      expect(
        await thrownBy(() => importNpy(join(directory, 'in.npy'), join(directory, 'out'))),
      ).toMatchObject({
        code: 'ERR_VGPU_FORMAT_TRUNCATED',
      });
    }
    expect(readdirSync(directory)).toEqual(['in.npy']);
  });

  test('can be aborted', async () => {
    const directory = temporaryDirectory();
    writeFileSync(
      join(directory, 'in.npy'),
      writeNpy({ dtype: 'f64', shape: [1500, 1000] }, () => 1),
    );
    const controller = new AbortController();
    const options = { signal: controller.signal, onProgress: () => controller.abort('enough') };
    expect(
      await thrownBy(() => importNpy(join(directory, 'in.npy'), join(directory, 'out'), options)),
    ).toMatchObject({ code: 'ERR_VGPU_ARRAY_ABORTED', cause: 'enough' });
    expect(readdirSync(directory)).toEqual(['in.npy']);
  });
});

describe('export', () => {
  const one = { re: 1, im: 0 };
  const views = [
    { transposed: false, conjugated: false, scalar: one },
    { transposed: true, conjugated: true, scalar: { re: 2, im: -1 } },
  ];
  const structures: NewArray[] = dtypes.flatMap((dtype): NewArray[] =>
    views.flatMap((view): NewArray[] => {
      const common = { dtype, rows: 33, columns: 33, view };
      return [
        { structure: 'dense', ...common, columns: 70 },
        { structure: 'triangular', diagonal: true, ...common },
        { structure: 'triangular', diagonal: false, ...common },
        { structure: 'symmetric', ...common },
        { structure: 'diagonal', ...common },
        { structure: 'identity', ...common, columns: 20 },
        { structure: 'vector', ...common, columns: 1 },
        { structure: 'unit-vector', index: 7, ...common, columns: 1 },
      ];
    }),
  );

  test.each(structures)('$structure $dtype, transposed $view.transposed', async (input) => {
    const directory = temporaryDirectory();
    const path = join(directory, 'array.pycauset');
    const dtype = 'dtype' in input ? input.dtype : 'f64';
    const array = closing(
      await PersistentArray.create(path, input, {
        storedOnly: true,
        values: (row, column) => sample(dtype, row, column),
      }),
    );
    const out = join(directory, 'out.npy');
    await exportNpy(array, out);
    // The reference expands in memory.
    const expected = toNpy(readContainer(new Uint8Array(readFileSync(path))));
    expect(Buffer.compare(readFileSync(out), expected)).toBe(0);
  });

  test('replaces only what it is told to', async () => {
    const directory = temporaryDirectory();
    const path = join(directory, 'array.pycauset');
    const array = closing(
      await PersistentArray.create(path, { structure: 'dense', dtype: 'f64', rows: 2, columns: 2 }),
    );
    const out = join(directory, 'out.npy');
    writeFileSync(out, 'precious');
    expect(await thrownBy(() => exportNpy(array, out))).toMatchObject({ code: 'ERR_VGPU_ARRAY_EXISTS' });
    expect(readFileSync(out, 'utf8')).toBe('precious');
    await exportNpy(array, out, { replace: true, version: 2 });
    expect(readNpy(new Uint8Array(readFileSync(out)))).toMatchObject({ version: 2, shape: [2, 2] });
    // An array cannot be replaced by its own export.
    expect(await thrownBy(() => exportNpy(array, path, { replace: true }))).toMatchObject({
      code: 'ERR_VGPU_MMAP_LOCKED',
    });
    await array.begin();
    expect(await thrownBy(() => exportNpy(array, out, { replace: true }))).toMatchObject({
      code: 'ERR_VGPU_ARRAY_DRAFT_OPEN',
    });
  });

  test('can be aborted, and leaves nothing behind', async () => {
    const directory = temporaryDirectory();
    const path = join(directory, 'array.pycauset');
    await (
      await PersistentArray.create(path, { structure: 'symmetric', dtype: 'f64', rows: 1500, columns: 1500 })
    ).close();
    const controller = new AbortController();
    const options = { signal: controller.signal, onProgress: () => controller.abort('enough') };
    expect(await thrownBy(() => exportNpy(path, join(directory, 'out.npy'), options))).toMatchObject({
      code: 'ERR_VGPU_ARRAY_ABORTED',
    });
    expect(readdirSync(directory)).toEqual(['array.pycauset']);
  });

  test('notices an update that begins meanwhile', async () => {
    const directory = temporaryDirectory();
    const path = join(directory, 'array.pycauset');
    const input: NewArray = { structure: 'symmetric', dtype: 'f64', rows: 1500, columns: 1500 };
    const array = closing(await PersistentArray.create(path, input));
    let begun: Promise<void> | undefined;
    const onProgress = () => {
      begun ??= array.begin();
    };
    const error = await thrownBy(() => exportNpy(array, join(directory, 'out.npy'), { onProgress }));
    await begun;
    expect(error).toMatchObject({ code: 'ERR_VGPU_ARRAY_CHANGED' });
    expect(readdirSync(directory)).toEqual(['array.pycauset']);
  });
});
