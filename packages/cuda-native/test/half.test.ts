// f16 as storage, against the definition: every half, and what lies between them.
import { describe, expect, it } from 'vitest';
import { createSession, type HalfArray, type NumericArray } from '../src/index.js';
import { elements, rejection } from './support.js';

const session = await createSession({ device: 'cpu' });

/** IEEE 754, 3.4. */
function numberOf(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 31;
  const fraction = bits & 1023;
  if (exponent === 31) return fraction === 0 ? sign * Infinity : Number.NaN;
  return sign * (exponent === 0 ? fraction * 2 ** -24 : (1024 + fraction) * 2 ** (exponent - 25));
}

const all = Uint16Array.from({ length: 65_536 }, (_, bits) => bits);
const values = Float64Array.from(all, numberOf);
const sameNumbers = (one: NumericArray, other: NumericArray) =>
  elements(one).every((each, i) => Object.is(each, elements(other)[i]));

describe('cast from f16', () => {
  it('is exact in f32 and f64', async () => {
    const { value: wide } = await session.cast(all, 'f64');
    expect(wide.every((each, i) => Object.is(each, values[i]))).toBe(true);
    const { value: single } = await session.cast(all, 'f32');
    expect(single.every((each, i) => Object.is(each, values[i]))).toBe(true);
  });

  it('cuts towards 0 in integers', async () => {
    const halves = (await session.cast(new Float32Array([1.5, -2.75, 65_504, Infinity, Number.NaN]), 'f16'))
      .value;
    expect([...(await session.cast(halves, 'i32')).value]).toEqual([1, -2, 65_504, 2 ** 31 - 1, 0]);
    expect(
      sameNumbers(
        (await session.cast(halves, 'u64', { count: 3 })).value,
        new BigUint64Array([1n, 0n, 65_504n]),
      ),
    ).toBe(true);
  });
});

describe('cast to f16', () => {
  it.each(['f32', 'f64'] as const)('gives every half back from %s', async (type) => {
    const { value: wide } = await session.cast(all, type);
    const { value: back } = await session.cast(wide, 'f16');
    expect(back).toBeInstanceOf(Uint16Array);
    expect([...(back as Uint16Array)].every((bits, i) => bits === i || Number.isNaN(values[i]))).toBe(true);
    expect((await session.cast(back, 'f64')).value.every((each, i) => Object.is(each, values[i]))).toBe(true);
  });

  it('rounds to the nearest, and ties to even', async () => {
    // Between each half and the next: the middle, and as little as a double can tell beside it.
    const count = 0x7bff;
    const middles = Float64Array.from(
      { length: count },
      (_, i) => ((values[i] ?? 0) + (values[i + 1] ?? 0)) / 2,
    );
    const bitsOf = async (doubles: Float64Array) => (await session.cast(doubles, 'f16')).value as Uint16Array;
    const [ties, below, above] = [
      await bitsOf(middles),
      await bitsOf(middles.map((each) => each * (1 - 2 ** -52))),
      await bitsOf(middles.map((each) => each * (1 + 2 ** -52))),
    ];
    expect(ties.every((bits, i) => bits === i + (i % 2))).toBe(true);
    expect(below.every((bits, i) => bits === i)).toBe(true);
    expect(above.every((bits, i) => bits === i + 1)).toBe(true);
    const negative = await bitsOf(middles.map((each) => -each));
    expect(negative.every((bits, i) => bits === 0x8000 + i + (i % 2))).toBe(true);
  });

  it('becomes infinite beyond the range, and 0 below it', async () => {
    const edges = new Float64Array([
      65_519.99,
      65_520,
      1e300,
      -1e300,
      2 ** -25,
      2 ** -25 * (1 + 2 ** -52),
      5e-324,
    ]);
    const { value } = await session.cast(edges, 'f16');
    expect([...(value as Uint16Array)]).toEqual([0x7bff, 0x7c00, 0x7c00, 0xfc00, 0, 1, 0]);
  });

  it('takes integers', async () => {
    const { value } = await session.cast(new Int32Array([0, -1, 2049, 2051, 70_000]), 'f16');
    expect([...(value as Uint16Array)].map(numberOf)).toEqual([0, -1, 2048, 2052, Infinity]);
    const { value: wide } = await session.cast(new BigInt64Array([3n, -(2n ** 62n)]), 'f16');
    expect([...(wide as Uint16Array)].map(numberOf)).toEqual([3, -Infinity]);
  });

  it('writes to memory that is given, a Float16Array where there is one', async () => {
    const out = new Uint16Array(4).fill(9);
    await session.cast(new Float32Array([1, 2, 3, 4]), 'f16', { out, count: 2 });
    expect([...out]).toEqual([0x3c00, 0x4000, 9, 9]);
    const Float16Array: (new (count: number) => HalfArray) | undefined = Reflect.get(
      globalThis,
      'Float16Array',
    );
    if (Float16Array === undefined) {
      console.info('no Float16Array in this Node.js: not tested with one');
      return;
    }
    const halves = new Float16Array(2);
    await session.cast(new Float32Array([1, 2]), 'f16', { out: halves });
    expect([...(await session.cast(halves, 'f64')).value]).toEqual([1, 2]);
  });

  it('is refused over its input, and from and to what is no array of its type', async () => {
    const memory = new ArrayBuffer(80);
    const [x, out] = [new Float32Array(memory), new Uint16Array(memory)];
    expect(await rejection(session.cast(x, 'f16', { out }))).toMatchObject({
      code: 'ERR_VGPU_COMPUTE_OVERLAP',
    });
    expect(await rejection(session.cast(out, 'f32', { out: x, count: 20 }))).toMatchObject({
      code: 'ERR_VGPU_COMPUTE_OVERLAP',
    });
    const wrong = new Int16Array(4) as unknown as Uint16Array;
    const argument = { code: 'ERR_VGPU_COMPUTE_ARGUMENT' };
    expect(await rejection(session.cast(wrong, 'f32'))).toMatchObject(argument);
    expect(await rejection(session.cast(new Float32Array(4), 'f16', { out: wrong }))).toMatchObject(argument);
  });
});
