// Tensor types of GGUF and how values become blocks of them: rounded to the nearest step of a scale per block.
// The layouts are those of the structures block_q8_0, block_q4_0 and block_q4_K in ggml's ggml-common.h.
import type { TensorType } from './gguf.js';

export const F32_TENSOR: TensorType = {
  id: 0,
  values: 1,
  bytes: 4,
  encode: ([value = 0], to) => to.setFloat32(0, value, true),
};

export const F16_TENSOR: TensorType = {
  id: 1,
  values: 1,
  bytes: 2,
  encode: ([value = 0], to) => to.setUint16(0, halfBits(value), true),
};

/** Scale d (f16), then 32 × i8: value = d · q. */
export const Q8_0: TensorType = {
  id: 8,
  values: 32,
  bytes: 34,
  encode(values, to) {
    const d = values.reduce((peak, value) => Math.max(peak, Math.abs(value)), 0) / 127;
    to.setUint16(0, halfBits(d), true);
    values.forEach((value, index) => {
      to.setInt8(2 + index, steps(value, d, -127, 127));
    });
  },
};

/** Scale d (f16), then 32 × 4 bits: value = d · (q - 8). Byte i has value i below and value i + 16 above. */
export const Q4_0: TensorType = {
  id: 2,
  values: 32,
  bytes: 18,
  encode(values, to) {
    const extreme = values.reduce((peak, value) => (Math.abs(value) > Math.abs(peak) ? value : peak), 0);
    const d = extreme / -8;
    to.setUint16(0, halfBits(d), true);
    const quants = Array.from(values, (value) => steps(value, d, -8, 7) + 8);
    for (let index = 0; index < 16; index++) {
      to.setUint8(2 + index, (quants[index] ?? 0) | ((quants[index + 16] ?? 0) << 4));
    }
  },
};

/**
 * 256 values in 8 parts: scales d and dmin (f16), 8 × (6 bits scale, 6 bits minimum) in 12 bytes, then 4 bits a value:
 * value = d · scale · q - dmin · minimum.
 */
export const Q4_K: TensorType = {
  id: 12,
  values: 256,
  bytes: 144,
  encode(values, to) {
    const parts = Array.from({ length: 8 }, (_, part) => values.subarray(part * 32, part * 32 + 32));
    const minima = parts.map((part) => Math.max(0, -Math.min(...part)));
    const ranges = parts.map((part, index) => (Math.max(...part) + (minima[index] ?? 0)) / 15);
    const d = Math.max(...ranges) / 63;
    const dmin = Math.max(...minima) / 63;
    to.setUint16(0, halfBits(d), true);
    to.setUint16(2, halfBits(dmin), true);
    const scaleSteps = ranges.map((range) => steps(range, d, 0, 63));
    const minimumSteps = minima.map((minimum) => steps(minimum, dmin, 0, 63));
    packSixBits(scaleSteps, minimumSteps, to);
    const quants = parts.map((part, index) => {
      const scale = d * (scaleSteps[index] ?? 0);
      const minimum = dmin * (minimumSteps[index] ?? 0);
      return Array.from(part, (value) => steps(value + minimum, scale, 0, 15));
    });
    // Two parts share 32 bytes: the even one below, the odd one above.
    for (let index = 0; index < 128; index++) {
      const pair = (index >> 5) * 2;
      const low = quants[pair]?.[index & 31] ?? 0;
      const high = quants[pair + 1]?.[index & 31] ?? 0;
      to.setUint8(16 + index, low | (high << 4));
    }
  },
};

/** Bytes 0 to 7: parts 0 to 3; bytes 8 to 11: the low bits of parts 4 to 7, whose high bits top the first eight. */
function packSixBits(scales: readonly number[], minima: readonly number[], to: DataView): void {
  for (let part = 0; part < 4; part++) {
    const [scale = 0, upperScale = 0] = [scales[part], scales[part + 4]];
    const [minimum = 0, upperMinimum = 0] = [minima[part], minima[part + 4]];
    to.setUint8(4 + part, scale | ((upperScale >> 4) << 6));
    to.setUint8(8 + part, minimum | ((upperMinimum >> 4) << 6));
    to.setUint8(12 + part, (upperScale & 15) | ((upperMinimum & 15) << 4));
  }
}

function steps(value: number, scale: number, low: number, high: number): number {
  if (scale === 0) return 0;
  return Math.min(high, Math.max(low, Math.round(value / scale)));
}

/** The bits of the nearest f16, ties to even (IEEE 754). */
export function halfBits(value: number): number {
  const sign = value < 0 || Object.is(value, -0) ? 0x8000 : 0;
  const magnitude = Math.abs(value);
  if (Number.isNaN(value)) return 0x7e00;
  if (magnitude >= 65520) return sign | 0x7c00;
  // Below 2^-14 all steps are 2^-24; above, a step is 2^-10 of the power of two.
  const exponent = Math.max(-14, Math.floor(Math.log2(magnitude || 2 ** -14)));
  const unit = 2 ** (exponent - 10);
  const mantissa = roundToEven(magnitude / unit);
  // Adding carries into the exponent where the mantissa overflows, and the hidden bit starts it at 1.
  return sign | (((exponent + 14) << 10) + mantissa);
}

function roundToEven(value: number): number {
  const floor = Math.floor(value);
  const rest = value - floor;
  if (rest !== 0.5) return Math.round(value);
  return floor % 2 === 0 ? floor : floor + 1;
}
