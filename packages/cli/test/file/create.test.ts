import { statSync } from 'node:fs';
import { PersistentArray } from '@vgpu/array';
import { type Complex, type Dtype, dtypes, type Scalar, structures } from '@vgpu/format';
import { afterAll, describe, expect, it } from 'vitest';
import { dtypeNames, structureNames } from '../../src/commands/file/names.js';
import { createSchema } from '../schemas.js';
import { Folder, vgpu, vgpuJson, vgpuMany } from '../vgpu.js';

const folder = new Folder();
afterAll(() => folder.remove());

async function valuesOf(path: string): Promise<Scalar[][]> {
  await using array = await PersistentArray.open(path);
  return Array.from({ length: array.rows }, (_, row) =>
    Array.from({ length: array.columns }, (_, column) => array.get(row, column)),
  );
}

async function create(name: string, ...options: string[]): Promise<Scalar[][]> {
  const path = folder.at(name);
  const { code, stderr } = await vgpu('file', 'create', ...options, path);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  return valuesOf(path);
}

it('the names in the help are those of the format', () => {
  expect(dtypeNames).toEqual(dtypes);
  expect(structureNames).toEqual(structures.filter((name) => name !== 'block'));
});

describe('--fill', () => {
  it('zero is the default', async () => {
    expect(await create('zero', '--rows', '2', '--columns', '3')).toEqual([
      [0, 0, 0],
      [0, 0, 0],
    ]);
  });

  it('index counts by rows, and structures leave out what they do not have', async () => {
    const options = ['--fill', 'index', '--rows', '3'];
    expect(await create('index', ...options, '--columns', '2', '--dtype', 'u8')).toEqual([
      [0, 1],
      [2, 3],
      [4, 5],
    ]);
    expect(await create('symmetric', ...options, '--structure', 'symmetric')).toEqual([
      [0, 1, 2],
      [1, 4, 5],
      [2, 5, 8],
    ]);
    expect(
      await create('antisymmetric', ...options, '--structure', 'antisymmetric', '--dtype', 'i64'),
    ).toEqual([
      [0n, 1n, 2n],
      [-1n, 0n, 5n],
      [-2n, -5n, 0n],
    ]);
    expect(await create('triangular', ...options, '--structure', 'triangular', '--diagonal')).toEqual([
      [0, 1, 2],
      [0, 4, 5],
      [0, 0, 8],
    ]);
    expect(await create('vector', ...options, '--structure', 'vector', '--dtype', 'cf16')).toEqual([
      [{ re: 0, im: 0 }],
      [{ re: 1, im: 0 }],
      [{ re: 2, im: 0 }],
    ]);
  });

  it('identity', async () => {
    expect(
      await create('eye', '--fill', 'identity', '--rows', '2', '--columns', '3', '--dtype', 'bit'),
    ).toEqual([
      [1, 0, 0],
      [0, 1, 0],
    ]);
  });

  it('random is in range, spread out, and the same for the same seed only', async () => {
    const options = ['--rows', '64', '--columns', '64', '--fill'];
    const first = (await create('random-1', ...options, 'random:7')).flat() as number[];
    const second = (await create('random-2', ...options, 'random:7')).flat();
    const third = (await create('random-3', ...options, 'random:8')).flat();
    expect(second).toEqual(first);
    expect(third).not.toEqual(first);
    expect(new Set(first).size).toBe(4096);
    expect(Math.min(...first)).toBeGreaterThanOrEqual(0);
    expect(Math.max(...first)).toBeLessThan(1);
    const mean = first.reduce((sum, value) => sum + value, 0) / first.length;
    // Its standard deviation is 0.0045.
    expect(Math.abs(mean - 0.5)).toBeLessThan(0.03);
  });

  it('random fits every dtype and structure', async () => {
    const runs = dtypeNames.flatMap((dtype) =>
      structureNames
        .filter((structure) => structure !== 'identity' && structure !== 'unit-vector')
        .filter((structure) => structure !== 'antisymmetric' || !/^(u|bit)/.test(dtype))
        .map((structure) => ({ dtype, structure, path: folder.at(`${dtype}-${structure}`) })),
    );
    const shape = ['--rows', '9', '--fill', 'random:3'];
    const codes = await vgpuMany(
      folder,
      runs.map(({ dtype, structure, path }) => [
        ...['file', 'create', '--dtype', dtype, '--structure', structure, ...shape, path],
        ...(structure === 'dense' ? ['--columns', '9'] : []),
      ]),
    );
    expect(codes).toEqual(runs.map(() => 0));
    for (const { dtype, structure, path } of runs) {
      const values = (await valuesOf(path)).flat();
      const different = new Set(values.map((value) => textOf(value)));
      expect([path, different.size]).toEqual([path, expect.any(Number)]);
      // Nine of them at least, and bits have two values.
      expect(different.size).toBeGreaterThan(dtype === 'bit' ? 1 : 5);
      if (structure === 'dense') expect(values.every((value) => isIn(value, dtype))).toBe(true);
    }
  });
});

function textOf(value: Scalar): string {
  return typeof value === 'object' ? `${value.re},${value.im}` : String(value);
}

function isIn(value: Scalar, dtype: Dtype): boolean {
  const fraction = (part: number) => part >= 0 && part < 1;
  if (dtype.startsWith('c')) return fraction((value as Complex).re) && fraction((value as Complex).im);
  if (dtype.startsWith('f')) return fraction(value as number);
  return typeof value === (dtype.endsWith('64') ? 'bigint' : 'number');
}

describe('sizes', () => {
  it('--sparse takes no disk space, however large the array', async () => {
    const path = folder.at('huge.pycauset');
    // 100 GiB.
    const shape = ['--rows', '131072', '--columns', '102400', '--sparse'];
    const { code, document } = await vgpuJson(createSchema, 'file', 'create', ...shape, path);
    expect(code).toBe(0);
    expect(document.payloadBytes).toBe(100 * 2 ** 30);
    expect(statSync(path).size).toBeGreaterThan(100 * 2 ** 30);
    expect(statSync(path).blocks * 512).toBeLessThan(2 ** 20);
    await using array = await PersistentArray.open(path);
    expect(array.get(131_071, 102_399)).toBe(0);
  });

  it('an empty array is one too', async () => {
    expect(await create('empty', '--rows', '0', '--columns', '5')).toEqual([]);
  });

  it('an identity matrix takes no space', async () => {
    const path = folder.at('identity');
    const options = ['--structure', 'identity', '--rows', '1000000000'];
    const { document } = await vgpuJson(createSchema, 'file', 'create', ...options, path);
    expect(document).toMatchObject({ payloadBytes: 0, array: { rows: 1e9, columns: 1e9 } });
  });
});

describe('what does not go together is refused', () => {
  const dense = ['--rows', '3', '--columns', '3'];
  it.each<[string, string[], RegExp]>([
    ['no rows', ['--columns', '3'], /required option '--rows <number>' not specified/],
    ['no columns', ['--rows', '3'], /a dense matrix needs --columns \[ERR_VGPU_USAGE\]/],
    ['a negative size', ['--rows', '-3', '--columns', '3'], /'-3' is invalid.*whole number/],
    ['a fraction', ['--rows', '3.5', '--columns', '3'], /'3.5' is invalid/],
    ['a size beyond 2^53', ['--rows', '9007199254740992', '--columns', '1'], /is invalid.*whole number/],
    [
      'a payload beyond 1 PiB',
      ['--rows', '9007199254740991', '--columns', '9007199254740991'],
      /ERR_VGPU_FORMAT_TOO_LARGE/,
    ],
    ['an unknown dtype', [...dense, '--dtype', 'f65'], /Allowed choices are bit, i8/],
    ['an unknown structure', [...dense, '--structure', 'round'], /Allowed choices are dense, /],
    ['an unknown fill', [...dense, '--fill', 'ones'], /It is zero, identity, index, or random:/],
    ['a seed that is none', [...dense, '--fill', 'random:x'], /It is zero, identity, index, or random:/],
    [
      'an index that does not fit',
      [...dense, '--fill', 'index', '--dtype', 'bit'],
      /the last index is 8.*ERR_VGPU_USAGE/,
    ],
    [
      'a rectangular triangle',
      ['--structure', 'triangular', '--rows', '3', '--columns', '4'],
      /needs rows = columns/,
    ],
    [
      'a vector with two columns',
      ['--structure', 'vector', '--rows', '3', '--columns', '2'],
      /ERR_VGPU_FORMAT_ARGUMENT/,
    ],
    [
      'negatives of unsigned',
      ['--structure', 'antisymmetric', '--rows', '3', '--dtype', 'u8'],
      /u8 has no negative/,
    ],
    ['--diagonal of a dense one', [...dense, '--diagonal'], /--diagonal is for triangular/],
    ['a unit vector without its one', ['--structure', 'unit-vector', '--rows', '3'], /needs --index/],
    ['a one outside', ['--structure', 'unit-vector', '--rows', '3', '--index', '3'], /must be below 3/],
    [
      'filling an identity',
      ['--structure', 'identity', '--rows', '3', '--fill', 'index'],
      /stores no values/,
    ],
    [
      'an identity without diagonal',
      ['--structure', 'triangular', '--rows', '3', '--fill', 'identity'],
      /add --diagonal/,
    ],
  ])('%s', async (_, options, message) => {
    const path = folder.at('refused.pycauset');
    const { code, stdout, stderr } = await vgpu('file', 'create', ...options, path);
    expect([code, stdout]).toEqual([1, '']);
    expect(stderr).toMatch(message);
    expect(folder.list()).not.toContain('refused.pycauset');
  });
});
