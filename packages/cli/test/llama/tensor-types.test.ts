import { describe, expect, it } from 'vitest';
import { encodeGguf, F32, type TensorType } from './gguf.js';
import { F16_TENSOR, F32_TENSOR, halfBits, Q4_0, Q4_K, Q8_0 } from './tensor-types.js';
import { gaussian } from './tiny-model.js';

/** IEEE 754 binary16, read by its definition. */
function half(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 31;
  const fraction = bits & 1023;
  return sign * (exponent === 0 ? fraction * 2 ** -24 : (1024 + fraction) * 2 ** (exponent - 25));
}

/** How a block is read, after the formulas beside ggml's structures. */
const decoders: [string, TensorType, (block: DataView) => number[], number][] = [
  ['f32', F32_TENSOR, (block) => [block.getFloat32(0, true)], 1e-7],
  ['f16', F16_TENSOR, (block) => [half(block.getUint16(0, true))], 1e-3],
  ['q8_0', Q8_0, decodeQ8, 0.005],
  ['q4_0', Q4_0, decodeQ4, 0.13],
  ['q4_K', Q4_K, decodeQ4K, 0.1],
];

describe.each(decoders)('blocks of %s', (_, type, decode, bound) => {
  it('hold the values, as near as their steps allow', () => {
    const random = gaussian(3);
    for (let round = 0; round < 20; round++) {
      const values = Float32Array.from({ length: type.values }, () => random() * 10 ** (round % 3));
      const decoded = decode(encode(type, values));
      const peak = Math.max(...values.map(Math.abs));
      expect(decoded).toHaveLength(type.values);
      for (const [index, value] of values.entries()) {
        expect(Math.abs((decoded[index] ?? Number.NaN) - value)).toBeLessThanOrEqual(bound * peak);
      }
    }
  });

  it('of zeros hold zeros', () => {
    expect(decode(encode(type, new Float32Array(type.values))).every((value) => Math.abs(value) === 0)).toBe(
      true,
    );
  });
});

it('rounds to the nearest f16, halfway to the even one', () => {
  for (let bits = 0; bits < 0x7bff; bits++) {
    expect(halfBits(half(bits))).toBe(bits);
    const middle = (half(bits) + half(bits + 1)) / 2;
    expect(halfBits(middle)).toBe(bits % 2 === 0 ? bits : bits + 1);
    expect(halfBits(-middle)).toBe(halfBits(middle) | 0x8000);
  }
  expect(halfBits(65519)).toBe(0x7bff);
  expect(halfBits(65520)).toBe(0x7c00);
});

it('lays out a file as GGUF says', () => {
  const tensor = { name: 't', dimensions: [2, 1], type: F32_TENSOR, values: Float32Array.of(1, 2) };
  const file = encodeGguf({ a: 7, b: new F32(0.5), c: 'x', d: [1] }, [tensor, { ...tensor, name: 'u' }]);
  expect(file.subarray(0, 4).toString()).toBe('GGUF');
  expect([file.readUInt32LE(4), file.readBigUInt64LE(8), file.readBigUInt64LE(16)]).toEqual([3, 2n, 4n]);
  expect(file.length % 32).toBe(0);
  // Payloads are at the end, each filled up to 32 bytes.
  expect(file.readFloatLE(file.length - 64)).toBe(1);
  expect(file.readFloatLE(file.length - 28)).toBe(2);
});

it('refuses a tensor whose values do not fill its dimensions', () => {
  const tensor = { name: 't', dimensions: [32], type: Q8_0, values: new Float32Array(31) };
  expect(() => encodeGguf({}, [tensor])).toThrow(RangeError);
});

function encode(type: TensorType, values: Float32Array): DataView {
  const block = new DataView(new ArrayBuffer(type.bytes));
  type.encode(values, block);
  return block;
}

function decodeQ8(block: DataView): number[] {
  return Array.from({ length: 32 }, (_, i) => half(block.getUint16(0, true)) * block.getInt8(2 + i));
}

function decodeQ4(block: DataView): number[] {
  const d = half(block.getUint16(0, true));
  return Array.from({ length: 32 }, (_, i) => {
    const pair = block.getUint8(2 + (i % 16));
    return d * ((i < 16 ? pair & 15 : pair >> 4) - 8);
  });
}

function decodeQ4K(block: DataView): number[] {
  const [d, dmin] = [half(block.getUint16(0, true)), half(block.getUint16(2, true))];
  const packed = (index: number) => block.getUint8(4 + index);
  return Array.from({ length: 256 }, (_, i) => {
    const part = i >> 5;
    const scale = part < 4 ? packed(part) & 63 : (packed(part + 4) & 15) | ((packed(part - 4) >> 6) << 4);
    const minimum = part < 4 ? packed(part + 4) & 63 : (packed(part + 4) >> 4) | ((packed(part) >> 6) << 4);
    const pair = block.getUint8(16 + 32 * (part >> 1) + (i & 31));
    return d * scale * (part % 2 === 0 ? pair & 15 : pair >> 4) - dmin * minimum;
  });
}
