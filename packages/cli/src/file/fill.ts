// The values that `vgpu file create` starts an array with.
import { type Dtype, dtypeTraits, type Scalar } from '@vgpu/format';
import { CliError } from '../errors.js';
import { nearest } from './scalars.js';
import type { PlainArray } from './shape.js';

export type Fill =
  | { readonly kind: 'zero' | 'identity' | 'index' }
  | { readonly kind: 'random'; readonly seed: number };

type ValueAt = (row: number, column: number) => Scalar;

/**
 * The value of each element, with the structure of the array; undefined when all are zero.
 * @throws CliError ERR_VGPU_USAGE when array and fill do not go together
 */
export function fillValues(array: PlainArray, fill: Fill): ValueAt | undefined {
  if (fill.kind === 'zero') return undefined;
  if (array.structure === 'identity' || array.structure === 'unit-vector') {
    throw new CliError('ERR_VGPU_USAGE', `${array.structure} stores no values that --fill could set`);
  }
  switch (fill.kind) {
    case 'identity':
      return identityValues(array);
    case 'index':
      return structured(array, indexValues(array));
    case 'random':
      return structured(array, randomValues(array.dtype, fill.seed, array.structure === 'antisymmetric'));
  }
}

function identityValues(array: PlainArray): ValueAt {
  const { structure } = array;
  const without = structure === 'antisymmetric' || (structure === 'triangular' && !array.diagonal);
  if (structure === 'vector' || without) {
    throw new CliError(
      'ERR_VGPU_USAGE',
      `--fill identity needs a diagonal, which ${structure} does not have here`,
      {
        ...(structure === 'triangular' && { remedy: 'add --diagonal' }),
      },
    );
  }
  const [zero, one] = [nearest(0, array.dtype), nearest(1, array.dtype)];
  return (row, column) => (row === column ? one : zero);
}

/** The largest whole number up to which a type holds every one. */
const indexLimits: Readonly<Record<Dtype, number>> = {
  bit: 1,
  i8: 127,
  i16: 32_767,
  i32: 2_147_483_647,
  i64: Number.MAX_SAFE_INTEGER,
  u8: 255,
  u16: 65_535,
  u32: 4_294_967_295,
  u64: Number.MAX_SAFE_INTEGER,
  f16: 2 ** 11,
  f32: 2 ** 24,
  f64: Number.MAX_SAFE_INTEGER,
  cf16: 2 ** 11,
  cf32: 2 ** 24,
  cf64: Number.MAX_SAFE_INTEGER,
};

function indexValues({ dtype, rows, columns }: PlainArray): ValueAt {
  const last = rows * columns - 1;
  if (last > indexLimits[dtype]) {
    throw new CliError(
      'ERR_VGPU_USAGE',
      `the last index is ${last}, and ${dtype} counts to ${indexLimits[dtype]}`,
      {
        remedy: 'choose a larger dtype',
      },
    );
  }
  return (row, column) => nearest(row * columns + column, dtype);
}

/** The same seed gives the same values on every machine: fractions of [0, 1), integers of the whole range. */
function randomValues(dtype: Dtype, seed: number, halved: boolean): ValueAt {
  const { kind, bytes } = dtypeTraits[dtype];
  switch (kind) {
    case 'bit':
      return (row, column) => hash(seed, row, column, 0) & 1;
    case 'float': {
      const fraction = fractionOf(bytes);
      return (row, column) => fraction(seed, row, column, 0);
    }
    case 'complex': {
      const fraction = fractionOf(bytes / 2);
      return (row, column) => ({ re: fraction(seed, row, column, 0), im: fraction(seed, row, column, 2) });
    }
    default: {
      const bits = bytes * 8;
      // A halved one has a negative of the same type.
      const unused = BigInt(64 - bits + (halved ? 1 : 0));
      return (row, column) => {
        const word = (BigInt(hash(seed, row, column, 0)) << 32n) | BigInt(hash(seed, row, column, 1));
        const value = kind === 'signed' ? BigInt.asIntN(64, word) >> unused : word >> unused;
        return bits === 64 ? value : Number(value);
      };
    }
  }
}

/** With no more digits than the type holds, so that nothing is rounded, least of all up to 1. */
function fractionOf(bytes: number): (seed: number, row: number, column: number, stream: number) => number {
  if (bytes === 2) return (...place) => (hash(...place) >>> 21) / 2 ** 11;
  if (bytes === 4) return (...place) => (hash(...place) >>> 8) / 2 ** 24;
  return (seed, row, column, stream) =>
    ((hash(seed, row, column, stream) >>> 6) * 2 ** 27 + (hash(seed, row, column, stream + 1) >>> 5)) /
    2 ** 53;
}

/** 32 well-mixed bits of a place, by the finaliser of MurmurHash3 (Appleby, public domain). */
function hash(seed: number, row: number, column: number, stream: number): number {
  let state = 0x9e3779b9;
  for (const word of [seed, seed / 2 ** 32, row, row / 2 ** 32, column, column / 2 ** 32, stream]) {
    state ^= word >>> 0;
    state = Math.imul(state ^ (state >>> 16), 0x85ebca6b);
    state = Math.imul(state ^ (state >>> 13), 0xc2b2ae35);
    state ^= state >>> 16;
  }
  return state >>> 0;
}

/** Zero, mirrored or negated where the structure says so. */
function structured(array: PlainArray, valueAt: ValueAt): ValueAt {
  const zero = nearest(0, array.dtype);
  switch (array.structure) {
    case 'triangular': {
      const first = array.diagonal ? 0 : 1;
      return (row, column) => (column - row >= first ? valueAt(row, column) : zero);
    }
    case 'diagonal':
      return (row, column) => (row === column ? valueAt(row, column) : zero);
    case 'symmetric':
      return (row, column) => valueAt(Math.min(row, column), Math.max(row, column));
    case 'antisymmetric':
      return (row, column) => {
        if (row === column) return zero;
        return row < column ? valueAt(row, column) : negative(valueAt(column, row));
      };
    default:
      return valueAt;
  }
}

export function negative(value: Scalar): Scalar {
  if (typeof value === 'object') return { re: -value.re, im: -value.im };
  return typeof value === 'bigint' ? -value : -value;
}
