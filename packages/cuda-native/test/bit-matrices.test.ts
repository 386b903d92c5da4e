// Products of bit matrices, bit by bit in JavaScript.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type BitMatrix, createSession } from '../src/index.js';
import { native } from '../src/native.js';
import { random, rejection } from './support.js';

const session = await createSession({ device: 'cpu' });
const side = fc.oneof(fc.constantFrom(0, 1, 63, 64, 65, 128, 513), fc.integer({ min: 1, max: 150 }));

/** Random bits, also where none belong. */
function bitsOf(rows: number, columns: number, gap: number, seed: number): BitMatrix {
  const stride = Math.ceil(columns / 64) + gap;
  const words = new BigUint64Array(rows * stride);
  const halves = new Uint32Array(words.buffer);
  const next = random(seed);
  for (let i = 0; i < halves.length; i++) halves[i] = next();
  return { words, rows, columns, stride };
}

const bit = (
  { words, columns, stride = Math.ceil(columns / 512) * 8 }: BitMatrix,
  row: number,
  column: number,
) => Number(((words[row * stride + Math.floor(column / 64)] ?? 0n) >> BigInt(column % 64)) & 1n);

describe('bitMatmul', () => {
  it('counts what rows and columns have in common', () =>
    fc.assert(
      fc.asyncProperty(side, side, side, fc.nat(2), fc.nat(), async (rows, inner, columns, gap, seed) => {
        const [m, n] = [Math.min(rows, 70), Math.min(columns, 130)];
        const a = bitsOf(m, inner, gap, seed + 1);
        const b = bitsOf(inner, n, 2 - gap, seed + 2);
        const { value } = await session.bitMatmul(a, b);
        const left = Array.from({ length: m }, (_, i) =>
          Array.from({ length: inner }, (_, k) => bit(a, i, k)),
        );
        const right = Array.from({ length: n }, (_, j) =>
          Array.from({ length: inner }, (_, k) => bit(b, k, j)),
        );
        const expected = left.flatMap((row) =>
          right.map((column) => row.reduce((sum, each, k) => sum + each * (column[k] ?? 0), 0)),
        );
        expect([...value.data]).toEqual(expected);
      }),
      { numRuns: 40 },
    ));

  it('takes long rows, of more words than fit into the cache', async () => {
    const inner = 70_001;
    const a = bitsOf(3, inner, 0, 5);
    const ones = { words: new BigUint64Array(inner * 8).fill(2n ** 64n - 1n), rows: inner, columns: 5 };
    const { value } = await session.bitMatmul(a, ones);
    for (let row = 0; row < 3; row++) {
      let count = 0;
      for (let k = 0; k < inner; k++) count += bit(a, row, k);
      expect([...value.data.subarray(5 * row, 5 * row + 5)]).toEqual(Array(5).fill(count));
    }
  });

  it('writes with a stride, and over whatever was there', async () => {
    const one = { words: new BigUint64Array([3n, 2n]), rows: 2, columns: 2, stride: 1 };
    const out = { data: new Int32Array(6).fill(7), rows: 2, columns: 2, stride: 4 };
    await session.bitMatmul(one, one, { out });
    expect([...out.data]).toEqual([1, 2, 7, 7, 0, 1]);
  });

  it('refuses what does not fit', async () => {
    const argument = { code: 'ERR_VGPU_COMPUTE_ARGUMENT' };
    const a = bitsOf(2, 100, 0, 1);
    expect(await rejection(session.bitMatmul(a, a))).toMatchObject(argument);
    expect(await rejection(session.bitMatmul({ ...a, stride: 1 }, a))).toMatchObject(argument);
    expect(
      await rejection(session.bitMatmul({ ...a, words: new Uint32Array(9) as unknown as BigUint64Array }, a)),
    ).toMatchObject(argument);
    const start = [new Int32Array(1), 1e9] as const;
    const call = async (rows: number, stride: number) =>
      native().bitMatmul(
        ...start,
        a.words,
        rows,
        100,
        stride,
        a.words,
        100,
        2,
        0,
        new Int32Array(9),
        2,
        2,
        2,
      );
    await expect(call(3, 2)).rejects.toMatchObject({ kind: 'capacity', first: 6, second: 4 });
    await expect(call(2, 1)).rejects.toMatchObject({ kind: 'argument' });
    await expect(call(2, 2)).rejects.toMatchObject({ kind: 'argument' });
  });
});
