import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { readNpy, type Scalar } from '@vgpu/format';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { makeDirty } from '../damage.js';
import { exportSchema, importSchema } from '../schemas.js';
import { Folder, golden, goldenNames, goldenPath, goldenValues, vgpu, vgpuJson, vgpuMany } from '../vgpu.js';

const folder = new Folder();
afterAll(() => folder.remove());

const loadable = [...goldenNames(), ...goldenNames('handmade')];
const unloadable = goldenNames('unloadable');

/** The values of a .npy file in row-major order. */
function npyValues(path: string): { shape: readonly number[]; values: Scalar[] } {
  const npy = readNpy(readFileSync(path));
  const [rows = 1, columns] = npy.shape;
  const values: Scalar[] = [];
  for (let row = 0; row < rows; row++) {
    if (columns === undefined) values.push(npy.get(row));
    for (let column = 0; column < (columns ?? 0); column++) values.push(npy.get(row, column));
  }
  return { shape: npy.shape, values };
}

it('there are as many golden files as there should be', () => {
  expect(loadable).toHaveLength(116);
  expect(unloadable).toHaveLength(12);
});

describe('the exported values of a golden file are those of its side-car', () => {
  const outputOf = (name: string) => folder.at(`${name.replaceAll('/', '-')}.npy`);
  const assume = (name: string) => ['--assume', `${golden(name).structure}:${golden(name).dtype}`];
  const runs = [
    ...loadable.map((name) => ({ name, options: [] })),
    ...unloadable.map((name) => ({ name, options: assume(name) })),
  ];
  let codes: number[] = [];
  beforeAll(async () => {
    const all = runs.map(({ name, options }) => [
      'file',
      'export',
      goldenPath(name),
      outputOf(name),
      ...options,
    ]);
    codes = await vgpuMany(folder, all);
  });

  it.each(runs.map(({ name }, index) => [name, index] as const))('%s', (name, index) => {
    expect(codes[index]).toBe(0);
    const { shape } = golden(name);
    expect(npyValues(outputOf(name))).toEqual({ shape, values: goldenValues(golden(name)) });
  });

  it('one that does not say what it is gives an error, and with --assume a warning', async () => {
    const [input, output] = [goldenPath('unloadable/diagonal_f64_7x7'), folder.at('assumed.npy')];
    const refused = await vgpu('file', 'export', input, output);
    expect(refused.code).toBe(1);
    expect(refused.stderr).toContain('ERR_VGPU_FORMAT_UNIDENTIFIED');
    expect(refused.stderr).toContain('diagonal f64');
    const options = ['--assume', 'diagonal:f64'];
    const { code, document } = await vgpuJson(exportSchema, 'file', 'export', input, output, ...options);
    expect(code).toBe(0);
    expect(document.warnings.map((warning) => warning.code)).toEqual(['structure-assumed']);
    expect(document.bytes).toBe(statSync(output).size);
  });
});

describe('import', () => {
  it('and export give the same bytes again', async () => {
    const name = 'dense_cf64_65x65';
    const [first, array, second] = ['first.npy', 'array.pycauset', 'second.npy'].map((each) =>
      folder.at(each),
    );
    await vgpu('file', 'export', goldenPath(name), first ?? '');
    const { code, document } = await vgpuJson(importSchema, 'file', 'import', first ?? '', array ?? '');
    expect(code).toBe(0);
    expect(document.array).toMatchObject({ structure: 'dense', dtype: 'cf64', rows: 65, columns: 65 });
    await vgpu('file', 'export', array ?? '', second ?? '');
    expect(readFileSync(second ?? '').equals(readFileSync(first ?? ''))).toBe(true);
  });

  it('of what has no counterpart says so and leaves nothing', async () => {
    const npy = folder.at('text.npy');
    writeFileSync(
      npy,
      Buffer.from(
        "\x93NUMPY\x01\x00\x46\x00{'descr': '<U5', 'fortran_order': False, 'shape': (2,), }".padEnd(80),
        'latin1',
      ),
    );
    const before = folder.list();
    const { code, stderr } = await vgpu('file', 'import', npy, folder.at('text.pycauset'));
    expect(code).toBe(1);
    expect(stderr).toMatch(/Unicode string.*\[ERR_VGPU_FORMAT_NPY_DTYPE\]\n {2}remedy: /s);
    expect(folder.list()).toEqual(before);
  });
});

it('a file whose update was interrupted is exported only when that is asked for', async () => {
  const path = folder.at('dirty.pycauset');
  await makeDirty(path, 7);
  const refused = await vgpu('file', 'export', path, folder.at('dirty.npy'));
  expect(refused.code).toBe(1);
  expect(refused.stderr).toContain('ERR_VGPU_FORMAT_NOT_COMMITTED');
  expect(folder.list()).not.toContain('dirty.npy');
  const { code } = await vgpu('file', 'export', '--allow-uncommitted', path, folder.at('dirty.npy'));
  expect(code).toBe(0);
  expect(npyValues(folder.at('dirty.npy')).values).toEqual([7, 0]);
});
