// `vgpu compute` on real files, against what the numbers must be.
import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { basename } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { PersistentArray } from '@vgpu/array';
import { createSession } from '@vgpu/cuda-native';
import { afterAll, describe, expect, it } from 'vitest';
import { operations } from '../src/compute/operations.js';
import { document, type NpyData, npyFile, numbers, refusal } from './compute-files.js';
import { ended, Folder, start, vgpu, vgpuJson } from './vgpu.js';

const folder = new Folder();
afterAll(() => folder.remove());

const npy = (name: string, data: NpyData, shape?: readonly number[]) => npyFile(folder.at(name), data, shape);

it('has every operation of a session, and its help lists them all', async () => {
  await using session = await createSession({ device: 'cpu' });
  const { stdout } = await vgpu('compute', '--help');
  const [, list = ''] = /^Operations:\n((?: {2}.+\n)+)/m.exec(stdout) ?? [];
  const listed = list.split(/[^a-z-]+/);
  const names = methodsOf(session).map((name) =>
    name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`),
  );
  expect(names).toContain('force-layout-step');
  expect(names.filter((name) => !Object.hasOwn(operations, name))).toEqual([]);
  expect(Object.keys(operations).filter((name) => !listed.includes(name))).toEqual([]);
});

/** Of all classes that it is on top of, but for what is no operation. */
function methodsOf(value: object): string[] {
  const prototype = Reflect.getPrototypeOf(value);
  if (prototype === null || prototype === Object.prototype) return [];
  const own = Object.entries(Object.getOwnPropertyDescriptors(prototype))
    .filter(([, { get }]) => get === undefined)
    .map(([name]) => name)
    .filter((name) => !['constructor', 'run', 'write', 'close'].includes(name));
  return [...own, ...methodsOf(prototype)];
}

describe('prints', () => {
  const x = npy('x.npy', new Float64Array([3, -1, 4, 1, -5, 9]));
  it.each([
    ['sum', [], '11'],
    ['mean', [], String(11 / 6)],
    ['min', [], '-5'],
    ['max', [], '9'],
    ['norm', [], String(Math.sqrt(9 + 1 + 16 + 1 + 25 + 81))],
    ['histogram', ['--bins', '2', '--from', '-5', '--to', '9'], '3\n3'],
    ['top-k', ['--k', '2'], '9\t5\n4\t2'],
    ['top-k', ['--k', '1', '--descending'], '9\t5'],
  ])('%s', async (operation, flags, expected) => {
    const { code, stdout, stderr } = await vgpu('compute', operation, x, ...flags, '--device', 'cpu');
    expect([code, stdout, stderr]).toEqual([0, `${expected}\n`, 'computed on the CPU\n']);
  });

  it('exact sums of integers, and dot products', async () => {
    const long = npy('long.npy', new BigInt64Array([2n ** 62n, 2n ** 62n, 2n ** 62n]));
    const { document: found } = await vgpuJson(document, 'compute', 'sum', long);
    expect(found.value).toBe(String(3n * 2n ** 62n));
    const { stdout } = await vgpu('compute', 'dot', x, x);
    expect(stdout).toBe(`${9 + 1 + 16 + 1 + 25 + 81}\n`);
  });
});

describe('writes', () => {
  it('sorted pairs as .npy, within a limit', async () => {
    const count = 50_000;
    const keys = npy(
      'keys.npy',
      new Float32Array(count).map((_, i) => (i * 7919) % 10_007),
    );
    const values = npy(
      'values.npy',
      new Uint32Array(count).map((_, i) => i),
    );
    const [outKeys, outValues] = [folder.at('sorted.npy'), folder.at('moved.npy')];
    const { code, document: found } = await vgpuJson(
      document,
      ...['compute', 'sort-pairs', keys, values, '-o', outKeys, '-o', outValues, '--memory-limit', '512KiB'],
    );
    expect(code).toBe(0);
    expect(found.memoryBytes).toBeLessThanOrEqual(512 * 1024);
    expect(found.calls?.cpu).toBeGreaterThan(5);
    const [sorted, moved] = [numbers(outKeys).values as number[], numbers(outValues).values as number[]];
    expect(
      sorted.every(
        (key, i) => i === 0 || key > (sorted[i - 1] ?? 0) || (moved[i - 1] ?? 0) < (moved[i] ?? 0),
      ),
    ).toBe(true);
    expect(moved.every((value, i) => (value * 7919) % 10_007 === sorted[i])).toBe(true);
  });

  it('the nearest points, their distances and their indices', async () => {
    const points = npy('points.npy', new Float32Array([0, 0, 3, 4, 1, 0, 0, 1]), [4, 2]);
    const queries = npy('queries.npy', new Float32Array([0, 0]), [1, 2]);
    const [distances, indices] = [folder.at('distances.npy'), folder.at('indices.npy')];
    const outputs = ['-o', distances, '-o', indices];
    expect((await vgpu('compute', 'nearest-neighbours', queries, points, '--k', '3', ...outputs)).code).toBe(
      0,
    );
    expect(numbers(distances)).toEqual({ dtype: 'f32', shape: [1, 3], values: [0, 1, 1] });
    expect(numbers(indices)).toEqual({ dtype: 'u32', shape: [1, 3], values: [0, 2, 3] });
  });

  it('counts of common bits', async () => {
    const [a, b] = [folder.at('bits-a.pycauset'), folder.at('bits-b.pycauset')];
    const bits = { structure: 'dense', dtype: 'bit' } as const;
    const ofA = (row: number, column: number) => Number((row + column) % 3 === 0);
    const ofB = (row: number, column: number) => Number((row * column) % 2 === 0);
    await (await PersistentArray.create(a, { ...bits, rows: 2, columns: 600 }, { values: ofA })).close();
    await (await PersistentArray.create(b, { ...bits, rows: 600, columns: 3 }, { values: ofB })).close();
    const out = folder.at('counts.npy');
    expect((await vgpu('compute', 'bit-matmul', a, b, '-o', out)).code).toBe(0);
    const all = Array.from({ length: 600 }, (_, k) => k);
    const values = [0, 1].flatMap((i) =>
      [0, 1, 2].map((j) => all.filter((k) => ofA(i, k) * ofB(k, j) === 1).length),
    );
    expect(numbers(out)).toEqual({ dtype: 'i32', shape: [2, 3], values });
  });

  it('products of .npy and .pycauset', async () => {
    const a = npy('a.npy', new Float64Array([1, 2, 3, 4, 5, 6]), [2, 3]);
    const b = folder.at('b.pycauset');
    const shape = { structure: 'dense', dtype: 'f64', rows: 3, columns: 2 } as const;
    await (await PersistentArray.create(b, shape, { values: (row, column) => row + 10 * column })).close();
    const [c, d] = [folder.at('c.npy'), folder.at('d.pycauset')];
    for (const out of [c, d]) {
      const { code, stdout } = await vgpu('compute', 'matmul', a, b, '-o', out);
      expect([code, stdout]).toEqual([0, `wrote ${out}: 2 x 2 f64, 32 B\n`]);
    }
    expect(numbers(c)).toEqual({ dtype: 'f64', shape: [2, 2], values: [8, 68, 17, 167] });
    await using array = await PersistentArray.open(d);
    expect([...(array.elements(0, 4) as Float64Array)]).toEqual([8, 68, 17, 167]);
    expect((await array.verify()).error).toBeUndefined();
  });

  it.each([
    ['add', ['m', 'm'], [], [2, 4, 6, 8, 10, 12]],
    ['sub', ['m', 'm'], [], [0, 0, 0, 0, 0, 0]],
    ['mul', ['m', 'm'], [], [1, 4, 9, 16, 25, 36]],
    ['div', ['m', 'm'], [], [1, 1, 1, 1, 1, 1]],
    ['scale', ['m'], ['--by', '-0.5'], [-0.5, -1, -1.5, -2, -2.5, -3]],
    ['axpy', ['m', 'm'], ['--by', '2'], [3, 6, 9, 12, 15, 18]],
    ['sort', ['m'], ['--descending'], [6, 5, 4, 3, 2, 1]],
    ['inclusive-scan', ['m'], [], [1, 3, 6, 10, 15, 21]],
    ['exclusive-scan', ['m'], [], [0, 1, 3, 6, 10, 15]],
    ['transpose', ['m'], [], [1, 4, 2, 5, 3, 6]],
    ['argsort', ['m'], ['--descending'], [5, 4, 3, 2, 1, 0]],
    ['cast', ['m'], ['--dtype', 'u32'], [1, 2, 3, 4, 5, 6]],
    ['matvec', ['m', 'v'], [], [14, 32]],
    ['inverse', ['s'], [], [1, -1, 0, 0.5]],
    ['solve', ['s', 't'], [], [-1, -2, 2, 2.5]],
    ['pairwise-distance', ['s', 's'], ['--metric', 'dot'], [-5, -4, -4, -4]],
  ])('%s', async (operation, inputs, flags, expected) => {
    npy('m.npy', new Float64Array([1, 2, 3, 4, 5, 6]), [2, 3]);
    npy('v.npy', new Float64Array([1, 2, 3]));
    npy('s.npy', new Float64Array([1, 2, 0, 2]), [2, 2]);
    npy('t.npy', new Float64Array([3, 3, 4, 5]), [2, 2]);
    const out = folder.at(`${operation}.npy`);
    const paths = inputs.map((name) => folder.at(`${name}.npy`));
    const { code, stderr } = await vgpu('compute', operation, ...paths, ...flags, '-o', out);
    expect([code, stderr]).toEqual([0, expect.stringMatching(/^computed on the /)]);
    expect(numbers(out).values).toEqual(expected);
  });
});

it('casts to f16 and back, in .npy and .pycauset', async () => {
  const x = npy('wide.npy', new Float64Array([1, -2.5, 1e6, 0.1]));
  const half = folder.at('half.npy');
  const stored = folder.at('half.pycauset');
  for (const [from, to, dtype] of [
    [x, half, 'f16'],
    [half, folder.at('back.npy'), 'f32'],
    [x, stored, 'f16'],
    [stored, folder.at('back2.npy'), 'f32'],
  ] as const) {
    const { code, stderr } = await vgpu('compute', 'cast', from, '--dtype', dtype, '-o', to);
    expect([code, stderr]).toEqual([0, expect.stringContaining('computed on')]);
  }
  const nearest = [1, -2.5, Number.POSITIVE_INFINITY, 0.0999755859375];
  expect(numbers(half)).toEqual({ dtype: 'f16', shape: [4], values: nearest });
  expect(numbers(folder.at('back.npy'))).toEqual({ dtype: 'f32', shape: [4], values: nearest });
  expect(numbers(folder.at('back2.npy')).values).toEqual(nearest);
});

describe('fills', () => {
  it.each([
    [['--value', '-0.5', '--shape', '3'], { dtype: 'f64', shape: [3], values: [-0.5, -0.5, -0.5] }],
    [
      ['--value', '7', '--shape', '2,2', '--dtype', 'u32'],
      { dtype: 'u32', shape: [2, 2], values: [7, 7, 7, 7] },
    ],
    [
      ['--value', '-9223372036854775808', '--shape', '2', '--dtype', 'i64'],
      { dtype: 'i64', shape: [2], values: [-(2n ** 63n), -(2n ** 63n)] },
    ],
    [['--value', '1', '--shape', '0,3'], { dtype: 'f64', shape: [0, 3], values: [] }],
  ])('a .npy file: %j', async (flags, expected) => {
    const out = folder.at('filled.npy');
    const { code, stderr } = await vgpu('compute', 'fill', ...flags, '-o', out, '--force');
    expect([code, stderr]).toEqual([0, expect.stringMatching(/^computed on the /)]);
    expect(numbers(out)).toEqual(expected);
  });

  it('a .pycauset file that is larger than the limit', async () => {
    const out = folder.at('filled.pycauset');
    const { code, document: found } = await vgpuJson(
      document,
      ...['compute', 'fill', '--value', '2.5', '--shape', '1000,300', '--dtype', 'f32', '-o', out],
      ...['--memory-limit', '256KiB', '--device', 'cpu'],
    );
    const shape = { dtype: 'f32', rows: 1000, columns: 300 };
    expect([code, found.inputs, found.outputs]).toEqual([0, [], [{ path: out, shape }]]);
    expect(found.calls?.cpu).toBeGreaterThan(1);
    await using array = await PersistentArray.open(out);
    expect((array.elements(0, 300_000) as Float32Array).every((value) => value === 2.5)).toBe(true);
    expect((await array.verify()).error).toBeUndefined();
  });
});

describe('refuses', () => {
  const x = npy('refused.npy', new Float64Array([3, 1, 2]));

  const fill = ['fill', '-o', folder.at('no.npy')];

  it('to replace a file without --force, or its input', async () => {
    const out = npy('there.npy', new Float64Array(1));
    const before = readFileSync(out);
    const first = await vgpuJson(refusal, 'compute', 'sort', x, '-o', out);
    expect([first.code, first.document.error.code]).toEqual([1, 'ERR_VGPU_OUTPUT_EXISTS']);
    expect(readFileSync(out)).toEqual(before);
    const forced = await vgpu('compute', 'sort', x, '-o', out, '--force');
    expect([forced.code, numbers(out).values]).toEqual([0, [1, 2, 3]]);
    const filled = ['compute', 'fill', '--value', '1', '--shape', '2', '-o', out];
    const kept = await vgpuJson(refusal, ...filled);
    expect([kept.document.error.code, numbers(out).values]).toEqual(['ERR_VGPU_OUTPUT_EXISTS', [1, 2, 3]]);
    const same = await vgpuJson(refusal, 'compute', 'sort', x, '-o', x, '--force');
    expect(same.document.error.code).toBe('ERR_VGPU_OUTPUT_IS_INPUT');
    const second = await vgpuJson(refusal, 'compute', 'add', x, out, '-o', out);
    expect(second.document.error.code).toBe('ERR_VGPU_OUTPUT_IS_INPUT');
  });

  it.each([
    ['an unknown operation', ['frobnicate', x], 'ERR_VGPU_USAGE'],
    ['what every object has', ['toString', x], 'ERR_VGPU_USAGE'],
    [
      'one output by two names',
      [
        ...['sort-pairs', x, x],
        ...['-o', folder.at('no.npy'), '-o', `${folder.path}/../${basename(folder.path)}/no.npy`],
      ],
      'ERR_VGPU_USAGE',
    ],
    [
      'a factor that integers cannot be multiplied by',
      ['scale', npy('integers.npy', new Uint32Array(2)), '--by', '1.5', '-o', folder.at('no.npy')],
      'ERR_VGPU_USAGE',
    ],
    ['sums of f16', ['sum', npy('halves.npy', new Uint16Array(2))], 'ERR_VGPU_COMPUTE_ARGUMENT'],
    ['too many inputs', ['sum', x, x], 'ERR_VGPU_USAGE'],
    ['no output', ['sort', x], 'ERR_VGPU_USAGE'],
    ['an output too many', ['sum', x, '-o', folder.at('no.npy')], 'ERR_VGPU_USAGE'],
    ['flags of another operation', ['sum', x, '--k', '3'], 'ERR_VGPU_USAGE'],
    ['a flag too few', ['top-k', x], 'ERR_VGPU_USAGE'],
    [
      'to resume what cannot',
      ['scale', x, '--by', '2', '-o', folder.at('no.pycauset'), '--resume'],
      'ERR_VGPU_USAGE',
    ],
    ['to resume .npy', ['sort', x, '-o', folder.at('no.npy'), '--resume'], 'ERR_VGPU_USAGE'],
    ['a metric where there is none', ['sum', x, '--metric', 'dot'], 'ERR_VGPU_USAGE'],
    [
      'a matrix without an inverse',
      ['inverse', npy('singular.npy', new Float64Array(4), [2, 2]), '-o', folder.at('no.npy')],
      'ERR_VGPU_COMPUTE_SINGULAR',
    ],
    [
      'an inverse of integers',
      ['inverse', npy('whole.npy', new Uint32Array(4), [2, 2]), '-o', folder.at('no.npy')],
      'ERR_VGPU_COMPUTE_ARGUMENT',
    ],
    ['bits that are none', ['bit-matmul', x, x, '-o', folder.at('no.npy')], 'ERR_VGPU_BAD_INPUT'],
    ['a file that is not there', ['sum', folder.at('nowhere.npy')], 'ERR_VGPU_FILE_NOT_FOUND'],
    ['a folder', ['sum', folder.path], 'ERR_VGPU_NOT_A_FILE'],
    [
      '16-bit integers',
      ['sort', npy('short.npy', new Int16Array(3)), '-o', folder.at('no.npy')],
      'ERR_VGPU_BAD_INPUT',
    ],
    ['shapes that do not fit', ['matmul', x, x, '-o', folder.at('no.npy')], 'ERR_VGPU_COMPUTE_ARGUMENT'],
    [
      'division by zero',
      [
        'div',
        npy('one.npy', new Uint32Array([1])),
        npy('zero.npy', new Uint32Array(1)),
        '-o',
        folder.at('no.npy'),
      ],
      'ERR_VGPU_COMPUTE_DIVISION_BY_ZERO',
    ],
    ['to fill without a shape', [...fill, '--value', '1'], 'ERR_VGPU_USAGE'],
    ['to fill with nothing', [...fill, '--shape', '3'], 'ERR_VGPU_USAGE'],
    ['to fill like an array', [...fill, x, '--value', '1', '--shape', '3'], 'ERR_VGPU_USAGE'],
    ['to fill three dimensions', [...fill, '--value', '1', '--shape', '3,3,3'], 'ERR_VGPU_USAGE'],
    ['to fill a shape that is none', [...fill, '--value', '1', '--shape', '3,,3'], 'ERR_VGPU_USAGE'],
    ['to fill with a word', [...fill, '--value', 'one', '--shape', '3'], 'ERR_VGPU_USAGE'],
    [
      'to fill integers with a fraction',
      [...fill, '--value', '1.5', '--shape', '3', '--dtype', 'i32'],
      'ERR_VGPU_USAGE',
    ],
    ['to fill f16', [...fill, '--value', '1', '--shape', '3', '--dtype', 'f16'], 'ERR_VGPU_USAGE'],
    [
      'to fill with what is too great',
      [...fill, '--value', String(2n ** 64n), '--shape', '3', '--dtype', 'u64'],
      'ERR_VGPU_COMPUTE_ARGUMENT',
    ],
    ['a limit that is too small', ['sum', x, '--memory-limit', '1KiB'], 'ERR_VGPU_COMPUTE_MEMORY_LIMIT'],
  ])('%s', async (_, args, error) => {
    const { code, document: found } = await vgpuJson(refusal, 'compute', ...args);
    expect([code, found.error.code]).toEqual([1, error]);
    expect(existsSync(folder.at('no.npy')) || existsSync(folder.at('no.pycauset'))).toBe(false);
    expect(folder.list().filter((name) => name.endsWith('.tmp'))).toEqual([]);
  });

  it('elements that are stored otherwise than they are meant', async () => {
    const doubled = folder.at('doubled.pycauset');
    const view = { scalar: { re: 2, im: 0 } };
    const shape = { structure: 'dense', dtype: 'f64', rows: 2, columns: 2, view } as const;
    await (await PersistentArray.create(doubled, shape)).close();
    const { code, document: found } = await vgpuJson(
      refusal,
      ...['compute', 'inverse', doubled, '-o', folder.at('no.npy')],
    );
    expect([code, found.error.code]).toEqual([1, 'ERR_VGPU_BAD_INPUT']);
    expect(found.error.message).toContain('view');
  });

  it('a file that was cut off', async () => {
    const whole = readFileSync(x);
    writeFileSync(folder.at('cut.npy'), whole.subarray(0, whole.length - 1));
    const { document: found } = await vgpuJson(refusal, 'compute', 'sum', folder.at('cut.npy'));
    expect(found.error.code).toBe('ERR_VGPU_BAD_INPUT');
  });
});

/** 0 where there is no such file, or not any more. */
function linesIn(path: string): number {
  try {
    return readFileSync(path, 'utf8').split('\n').length;
  } catch {
    return 0;
  }
}

// On a busy machine each call of the command takes seconds.
const patient = { timeout: 300_000 };

it('goes on after a kill with --resume', patient, async () => {
  const mine = new Folder();
  try {
    const count = 2_000_000;
    const keys = npy(
      'many.npy',
      new Uint32Array(count).map((_, i) => Math.imul(i, 2654435761)),
    );
    const out = mine.at('sorted.pycauset');
    const args = ['compute', 'sort', keys, '-o', out, '--resume', '--memory-limit', '600KiB'];
    // On a busy machine it may have ended before it is killed: then it tries again.
    for (let wasKilled = false; !wasKilled; ) {
      rmSync(out, { force: true });
      const child = start(args);
      const ending = ended(child);
      // Until some progress was recorded: the subject's line, and one more.
      while (child.exitCode === null && linesIn(`${out}.progress`) < 3) await sleep(1);
      child.kill('SIGKILL');
      const { signal, stderr } = await ending;
      wasKilled = signal === 'SIGKILL' && linesIn(`${out}.progress`) > 0;
      expect(stderr).not.toContain('ERR_');
    }
    const unfinished = await vgpu('compute', 'sum', out);
    expect([unfinished.code, unfinished.stderr]).toEqual([1, expect.stringContaining('NOT_COMMITTED')]);
    // What the record does not name is nobody's to replace.
    const pairs = ['compute', 'sort-pairs', keys, keys, '-o', out, '-o', mine.at('other.pycauset')];
    await (
      await PersistentArray.create(mine.at('other.pycauset'), {
        structure: 'vector',
        dtype: 'u32',
        rows: count,
        columns: 1,
      })
    ).close();
    const refused = await vgpuJson(refusal, ...pairs, '--resume');
    expect([refused.code, refused.document.error.code]).toEqual([1, 'ERR_VGPU_OUTPUT_EXISTS']);
    rmSync(mine.at('other.pycauset'));
    const again = await vgpuJson(document, ...args);
    expect(again.code).toBe(0);
    await using array = await PersistentArray.open(out);
    const sorted = array.elements(0, count) as Uint32Array;
    const expected = new Uint32Array(count).map((_, i) => Math.imul(i, 2654435761)).sort();
    expect(Buffer.compare(Buffer.from(sorted.slice().buffer), Buffer.from(expected.buffer))).toBe(0);
    expect(readdirSync(mine.path)).toEqual(['sorted.pycauset']);
  } finally {
    mine.remove();
  }
});

it('is read by NumPy, where there is one', patient, ({ skip }) => {
  const python = (script: string) =>
    execFileSync('python3', ['-c', script], { encoding: 'utf8', stdio: 'pipe' });
  try {
    python('import numpy');
  } catch {
    skip('python3 has no NumPy');
  }
  const [a, b] = [folder.at('np-a.npy'), folder.at('np-b.npy')];
  python(`import numpy; numpy.save(${JSON.stringify(a)}, numpy.arange(10.0)[::-1].copy())`);
  execFileSync(
    process.execPath,
    [new URL('../dist/vgpu.js', import.meta.url).pathname, 'compute', 'sort', a, '-o', b],
    {
      stdio: 'pipe',
    },
  );
  expect(python(`import numpy; print(numpy.load(${JSON.stringify(b)}).tolist())`).trim()).toBe(
    '[0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0]',
  );
});
