import { PersistentArray } from '@vgpu/array';
import type { Scalar } from '@vgpu/format';
import { afterAll, describe, expect, it } from 'vitest';
import { convertSchema, verifySchema } from '../schemas.js';
import { Folder, golden, goldenPath, goldenValues, vgpu, vgpuJson } from '../vgpu.js';

const folder = new Folder();
afterAll(() => folder.remove());

async function make(
  name: string,
  values: Scalar[][],
  dtype: 'f64' | 'i64' | 'cf64' = 'f64',
): Promise<string> {
  const path = folder.at(name);
  const descriptor = {
    structure: 'dense',
    dtype,
    rows: values.length,
    columns: values[0]?.length ?? 0,
  } as const;
  const valueAt = (row: number, column: number) => values[row]?.[column] ?? 0;
  await using _ = await PersistentArray.create(path, descriptor, { values: valueAt });
  return path;
}

async function read(path: string): Promise<Scalar[][]> {
  await using array = await PersistentArray.open(path);
  return Array.from({ length: array.rows }, (_, row) =>
    Array.from({ length: array.columns }, (_, column) => array.get(row, column)),
  );
}

const convert = (input: string, output: string, ...options: string[]) =>
  vgpuJson(convertSchema, 'file', 'convert', input, output, ...options);

describe('without loss', () => {
  it('another dtype', async () => {
    const input = await make('whole', [[1, -2, 300]]);
    const output = folder.at('whole-i16');
    const { code, document } = await convert(input, output, '--dtype', 'i16');
    expect(code).toBe(0);
    expect(document).toMatchObject({ array: { dtype: 'i16', structure: 'dense' }, changedValues: 0 });
    expect(await read(output)).toEqual([[1, -2, 300]]);
  });

  it.each<[string, string[], Scalar[][]]>([
    [
      'symmetric',
      [],
      [
        [1, 2],
        [2, 3],
      ],
    ],
    [
      'antisymmetric',
      [],
      [
        [0, 2],
        [-2, 0],
      ],
    ],
    [
      'triangular',
      [],
      [
        [1, 2],
        [0, 3],
      ],
    ],
    [
      'diagonal',
      [],
      [
        [1, 0],
        [0, 3],
      ],
    ],
    [
      'identity',
      [],
      [
        [1, 0],
        [0, 1],
      ],
    ],
    ['vector', [], [[5], [6], [7]]],
    ['unit-vector', [], [[0], [0], [1]]],
  ])('to %s and back', async (structure, options, values) => {
    const input = await make(`dense-${structure}`, values);
    const [there, back] = [folder.at(`there-${structure}`), folder.at(`back-${structure}`)];
    const first = await convert(input, there, '--structure', structure, ...options);
    expect([first.code, first.stderr, first.document.array.structure]).toEqual([0, '', structure]);
    expect(await read(there)).toEqual(values);
    await convert(there, back, '--structure', 'dense');
    expect(await read(back)).toEqual(values);
  });

  it('a view is applied, and the structure kept where it can be', async () => {
    const name = 'view_transposed_triangular_f64_7x7';
    const output = folder.at('transposed');
    const { document } = await convert(goldenPath(name), output);
    expect(document.array).toMatchObject({ structure: 'dense', view: { transposed: false } });
    expect((await read(output)).flat()).toEqual(goldenValues(golden(name)));
    const hermitian = await convert(goldenPath('view_hermitian_cf64_7x7'), folder.at('hermitian'));
    expect(hermitian.document.array).toMatchObject({ view: { transposed: false, conjugated: false } });
    expect((await read(folder.at('hermitian'))).flat()).toEqual(
      goldenValues(golden('view_hermitian_cf64_7x7')),
    );
  });

  it('a file of PyCauset gets a checksum', async () => {
    const output = folder.at('checked');
    await convert(goldenPath('dense_cf16_7x7'), output);
    const { document } = await vgpuJson(verifySchema, 'file', 'verify', output);
    expect(document.files[0]).toMatchObject({ ok: true, checksum: 'crc32', chunks: 1 });
  });

  it('special values and 64-bit integers stay what they are', async () => {
    const special = [[Number.NaN, Number.POSITIVE_INFINITY, -0, 65504]];
    const input = await make('special', special);
    await convert(input, folder.at('special-f16'), '--dtype', 'f16');
    expect(await read(folder.at('special-f16'))).toEqual(special);
    const large = await make('large', [[2n ** 53n, -(2n ** 60n)]], 'i64');
    await convert(large, folder.at('large-f64'), '--dtype', 'f64');
    expect(await read(folder.at('large-f64'))).toEqual([[2 ** 53, -(2 ** 60)]]);
  });
});

describe('what would lose something is refused, with --lossy it is not', () => {
  it.each<[string, Scalar[][], string[], RegExp, Scalar[][], 'f64' | 'i64' | 'cf64']>([
    ['fraction', [[1, 2.5]], ['--dtype', 'i32'], /\(0, 1\) is 2.5, which i32/, [[1, 3]], 'f64'],
    ['range', [[300, -1]], ['--dtype', 'u8'], /\(0, 0\) is 300, which u8/, [[255, 0]], 'f64'],
    ['digits', [[0.1]], ['--dtype', 'f32'], /\(0, 0\) is 0.1, which f32/, [[Math.fround(0.1)]], 'f64'],
    ['overflow', [[1e30]], ['--dtype', 'f16'], /is 1e\+30, which f16/, [[Number.POSITIVE_INFINITY]], 'f64'],
    ['long', [[2n ** 53n + 1n]], ['--dtype', 'f64'], /is 9007199254740993, which f64/, [[2 ** 53]], 'i64'],
    ['imaginary', [[{ re: 1, im: 2 }]], ['--dtype', 'f64'], /is 1 \+ 2i, which f64/, [[1]], 'cf64'],
    [
      'lower',
      [
        [1, 2],
        [3, 4],
      ],
      ['--structure', 'triangular'],
      /element \(1, 0\) is 3/,
      [
        [1, 2],
        [0, 4],
      ],
      'f64',
    ],
    [
      'mirror',
      [
        [1, 2],
        [3, 4],
      ],
      ['--structure', 'symmetric'],
      /element \(1, 0\) is 3/,
      [
        [1, 2],
        [2, 4],
      ],
      'f64',
    ],
    [
      'two',
      [
        [1, 0],
        [0, 2],
      ],
      ['--structure', 'identity'],
      /element \(1, 1\) is 2/,
      [
        [1, 0],
        [0, 1],
      ],
      'f64',
    ],
  ])('%s', async (name, values, options, message, nearest, dtype) => {
    const input = await make(`lossy-${name}`, values, dtype);
    const output = folder.at(`out-${name}`);
    const refused = await vgpu('file', 'convert', input, output, ...options);
    expect(refused.code).toBe(1);
    expect(refused.stderr).toMatch(message);
    expect(refused.stderr).toMatch(/\[ERR_VGPU_LOSSY\]\n {2}remedy: .*--lossy/);
    expect(folder.list()).not.toContain(`out-${name}`);
    const allowed = await convert(input, output, ...options, '--lossy');
    expect(allowed.code).toBe(0);
    expect(await read(output)).toEqual(nearest);
  });

  it('but no integer is near to NaN', async () => {
    const input = await make('nan', [[Number.NaN]]);
    const { code, stderr } = await vgpu(
      'file',
      'convert',
      input,
      folder.at('nan-i8'),
      '--dtype',
      'i8',
      '--lossy',
    );
    expect(code).toBe(1);
    expect(stderr).toMatch(/is NaN, which no i8 is near to \[ERR_VGPU_LOSSY\]/);
  });
});

it('onto itself is refused', async () => {
  const input = await make('self', [[1]]);
  const { code, stderr } = await vgpu('file', 'convert', '--force', input, input);
  expect(code).toBe(1);
  expect(stderr).toContain('ERR_VGPU_OUTPUT_IS_INPUT');
});
