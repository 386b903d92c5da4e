// `vgpu compute` of many matrices at once, against products that are computed one by one.
import { writeFileSync } from 'node:fs';
import { PersistentArray } from '@vgpu/array';
import { encodeNpyHeader } from '@vgpu/format';
import { afterAll, describe, expect, it } from 'vitest';
import { document, npyFile, numbers, refusal } from './compute-files.js';
import { Folder, vgpu, vgpuJson } from './vgpu.js';

const folder = new Folder();
afterAll(() => folder.remove());

const [count, rows, inner, columns] = [5, 2, 3, 4];
/** Small whole numbers, so that sums are exact in every order. */
const integers = (length: number, factor: number) =>
  Array.from({ length }, (_, i) => ((i * factor) % 17) - 8);
const a = integers(count * rows * inner, 7);
const b = integers(count * inner * columns, 11);
const x = integers(count * inner, 5);

function product(left: readonly number[], right: readonly number[], width: number): number[] {
  return Array.from({ length: count * rows * width }, (_, place) => {
    const [matrix, row, column] = [
      Math.floor(place / (rows * width)),
      Math.floor(place / width) % rows,
      place % width,
    ];
    let sum = 0;
    for (let k = 0; k < inner; k += 1) {
      const factor = left[(matrix * rows + row) * inner + k] ?? Number.NaN;
      sum += factor * (right[(matrix * inner + k) * width + column] ?? Number.NaN);
    }
    return sum;
  });
}

const file = (name: string, values: readonly number[], ...shape: number[]) =>
  npyFile(folder.at(name), Float64Array.from(values), shape);
const files = {
  a: file('a.npy', a, count, rows, inner),
  b: file('b.npy', b, count, inner, columns),
  aBelow: file('a-below.npy', a, count * rows, inner),
  bBelow: file('b-below.npy', b, count * inner, columns),
  x: file('x.npy', x, count, inner),
};

describe('multiplies matrices', () => {
  const expected = product(a, b, columns);
  it.each([
    ['of three dimensions', files.a, files.b, [count, rows, columns]],
    ['one below another', files.aBelow, files.bBelow, [count * rows, columns]],
    ['first of three dimensions', files.a, files.bBelow, [count, rows, columns]],
    ['second of three dimensions', files.aBelow, files.b, [count * rows, columns]],
  ])('%s', async (_, left, right, shape) => {
    const out = folder.at('products.npy');
    const { code, stdout } = await vgpu('compute', 'matmul-batch', left, right, '-o', out, '--force');
    expect([code, stdout]).toEqual([0, `wrote ${out}: ${shape.join(' x ')} f64, 320 B\n`]);
    expect(numbers(out)).toEqual({ dtype: 'f64', shape, values: expected });
  });

  it('of f32, from and to .pycauset, where they are one below another', async () => {
    const left = folder.at('a.pycauset');
    const shape = { structure: 'dense', dtype: 'f32', rows: count * rows, columns: inner } as const;
    const values = (row: number, column: number) => a[row * inner + column] ?? Number.NaN;
    await (await PersistentArray.create(left, shape, { values })).close();
    const right = npyFile(folder.at('b-f32.npy'), Float32Array.from(b), [count, inner, columns]);
    const out = folder.at('products.pycauset');
    const { document: found } = await vgpuJson(document, 'compute', 'matmul-batch', left, right, '-o', out);
    expect(found.outputs).toEqual([{ path: out, shape: { dtype: 'f32', rows: count * rows, columns } }]);
    await using array = await PersistentArray.open(out);
    expect([...(array.elements(0, expected.length) as Float32Array)]).toEqual(expected);
  });

  it('and says in JSON how many', async () => {
    const out = folder.at('said.npy');
    const { document: found } = await vgpuJson(
      document,
      'compute',
      'matmul-batch',
      files.a,
      files.b,
      '-o',
      out,
    );
    const shape = { dtype: 'f64', rows: count * rows, columns, matrices: count };
    expect(found.outputs).toEqual([{ path: out, shape }]);
  });

  it.each([
    ['of three dimensions', files.a],
    ['one below another', files.aBelow],
  ])('%s with vectors', async (_, left) => {
    const out = folder.at('vectors.npy');
    const { code } = await vgpu('compute', 'matvec-batch', left, files.x, '-o', out, '--force');
    expect([code, numbers(out)]).toEqual([
      0,
      { dtype: 'f64', shape: [count, rows], values: product(a, x, 1) },
    ]);
  });
});

it('integers wrap around', async () => {
  const whole = npyFile(folder.at('whole.npy'), Uint32Array.from([2 ** 31, 1, 3, 4]), [1, 2, 2]);
  const out = folder.at('integers.npy');
  expect((await vgpu('compute', 'matmul-batch', whole, whole, '-o', out)).code).toBe(0);
  const values = [3, 2 ** 31 + 4, 2 ** 31 + 12, 19];
  expect(numbers(out)).toEqual({ dtype: 'u32', shape: [1, 2, 2], values });
});

describe('refuses', () => {
  const four = file('four.npy', integers(4 * inner * columns, 3), 4, inner, columns);
  const odd = file('odd.npy', integers(7 * inner, 3), 7, inner);
  const single = npyFile(folder.at('single.npy'), Float32Array.from(b), [count, inner, columns]);
  const empty = file('empty.npy', [], 0, inner, inner);
  it.each([
    ['another number of matrices', ['matmul-batch', files.a, four], 'ERR_VGPU_BAD_INPUT'],
    ['another number of rows', ['matmul-batch', files.a, files.a], 'ERR_VGPU_BAD_INPUT'],
    ['rows that are not all matrices', ['matmul-batch', odd, files.bBelow], 'ERR_VGPU_BAD_INPUT'],
    ['factors that are not all matrices', ['matmul-batch', files.aBelow, files.aBelow], 'ERR_VGPU_BAD_INPUT'],
    ['no matrices', ['matmul-batch', empty, empty], 'ERR_VGPU_BAD_INPUT'],
    ['elements of two types', ['matmul-batch', files.a, single], 'ERR_VGPU_COMPUTE_ARGUMENT'],
    ['one factor', ['matmul-batch', files.a], 'ERR_VGPU_USAGE'],
    ['to go on with products', ['matmul-batch', files.a, files.b, '--resume'], 'ERR_VGPU_USAGE'],
    ['vectors of another length', ['matvec-batch', files.a, files.aBelow], 'ERR_VGPU_BAD_INPUT'],
    ['more vectors than matrices', ['matvec-batch', files.a, odd], 'ERR_VGPU_BAD_INPUT'],
    ['matrices of vectors', ['matvec-batch', files.a, files.b], 'ERR_VGPU_BAD_INPUT'],
    ['three dimensions where there are two', ['matmul', files.a, files.b], 'ERR_VGPU_BAD_INPUT'],
    ['four dimensions', ['matmul-batch', file('deep.npy', [1], 1, 1, 1, 1), files.b], 'ERR_VGPU_BAD_INPUT'],
    [
      'matrices whose first index varies fastest',
      ['matmul-batch', byColumns(), files.b],
      'ERR_VGPU_BAD_INPUT',
    ],
  ])('%s', async (_, args, error) => {
    const { code, document: found } = await vgpuJson(refusal, 'compute', ...args, '-o', folder.at('no.npy'));
    expect([code, found.error.code]).toEqual([1, error]);
    expect(folder.list().filter((name) => name === 'no.npy' || name.endsWith('.tmp'))).toEqual([]);
  });

  it('and says which shapes do not fit', async () => {
    const { stderr } = await vgpu('compute', 'matmul-batch', files.a, four, '-o', folder.at('no.npy'));
    expect(stderr).toContain(
      `the 5 x 2 x 3 elements of ${files.a} and the 4 x 3 x 4 elements of ${four} do not fit`,
    );
  });

  function byColumns(): string {
    const path = folder.at('by-columns.npy');
    const header = encodeNpyHeader({ dtype: 'f64', shape: [count, rows, inner], fortranOrder: true });
    writeFileSync(path, Buffer.concat([header, new Uint8Array(Float64Array.from(a).buffer)]));
    return path;
  }
});
