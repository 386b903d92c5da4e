// One value in another type: exactly, or as near as it gets.
import {
  type Complex,
  type Dtype,
  dtypeTraits,
  float16ToNumber,
  numberToFloat16,
  type Scalar,
} from '@vgpu/format';

/** The value as `dtype` holds it, or undefined when it cannot be held exactly. A NaN is a NaN; −0 is 0 to integers. */
export function exactly(value: Scalar, dtype: Dtype): Scalar | undefined {
  const { kind, bytes } = dtypeTraits[dtype];
  if (kind === 'complex') {
    const { re, im } = typeof value === 'object' ? value : { re: value, im: 0 };
    const [real, imaginary] = [exactFloat(re, bytes / 2), exactFloat(im, bytes / 2)];
    return real === undefined || imaginary === undefined ? undefined : { re: real, im: imaginary };
  }
  if (typeof value === 'object') return value.im === 0 ? exactly(value.re, dtype) : undefined;
  return kind === 'float' ? exactFloat(value, bytes) : exactInteger(value, dtype);
}

/** The value as near as `dtype` comes: rounded, cut to its range, its imaginary part left out. NaN has no nearest integer. */
export function nearest(value: Scalar, dtype: Dtype): Scalar {
  const { kind, bytes } = dtypeTraits[dtype];
  if (kind === 'complex') {
    const { re, im } = typeof value === 'object' ? value : { re: Number(value), im: 0 };
    return { re: roundTo(re, bytes / 2), im: roundTo(im, bytes / 2) } satisfies Complex;
  }
  if (typeof value === 'object') return nearest(value.re, dtype);
  if (kind === 'float') return roundTo(Number(value), bytes);
  const [low, high] = rangeOf(dtype);
  if (typeof value === 'number' && !Number.isFinite(value)) {
    if (Number.isNaN(value)) throw new RangeError(`NaN is no ${dtype}`);
    return fitting(value < 0 ? low : high, bytes);
  }
  const whole = typeof value === 'bigint' ? value : BigInt(Math.round(value));
  return fitting(whole < low ? low : whole > high ? high : whole, bytes);
}

function exactFloat(value: number | bigint, bytes: number): number | undefined {
  const rounded = roundTo(Number(value), bytes);
  if (typeof value === 'bigint')
    return Number.isFinite(rounded) && BigInt(rounded) === value ? rounded : undefined;
  return Object.is(rounded, value) ? rounded : undefined;
}

function exactInteger(value: number | bigint, dtype: Dtype): Scalar | undefined {
  if (typeof value === 'number' && !Number.isInteger(value)) return undefined;
  const [low, high] = rangeOf(dtype);
  const whole = BigInt(value);
  return whole < low || whole > high ? undefined : fitting(whole, dtypeTraits[dtype].bytes);
}

function roundTo(value: number, bytes: number): number {
  if (bytes === 8) return value;
  return bytes === 4 ? Math.fround(value) : float16ToNumber(numberToFloat16(value));
}

function fitting(value: bigint, bytes: number): number | bigint {
  return bytes === 8 ? value : Number(value);
}

function rangeOf(dtype: Dtype): readonly [bigint, bigint] {
  const { kind, bytes } = dtypeTraits[dtype];
  const bits = BigInt(bytes * 8);
  return kind === 'signed' ? [-(1n << (bits - 1n)), (1n << (bits - 1n)) - 1n] : [0n, (1n << bits) - 1n];
}

/** Equal as values: zeros of either sign are, and so are NaNs. */
export function sameValue(a: Scalar, b: Scalar): boolean {
  if (typeof a === 'object' || typeof b === 'object') {
    const [left, right] = [a, b].map((value) => (typeof value === 'object' ? value : { re: value, im: 0 }));
    return (
      left !== undefined &&
      right !== undefined &&
      sameValue(left.re, right.re) &&
      sameValue(left.im, right.im)
    );
  }
  // biome-ignore lint/suspicious/noDoubleEquals: a bigint and a number of the same value are equal.
  return a == b || (Number.isNaN(a) && Number.isNaN(b));
}

/** For messages. */
export function scalarText(value: Scalar): string {
  return typeof value === 'object' ? `${value.re} + ${value.im}i` : String(value);
}
