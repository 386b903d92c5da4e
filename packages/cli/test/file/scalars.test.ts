import { type Dtype, dtypes, elementReader, encodePayload, type Scalar } from '@vgpu/format';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { exactly, nearest, sameValue } from '../../src/file/scalars.js';

const number = fc.oneof(fc.double(), fc.integer().map(Number), fc.float());
const scalar: fc.Arbitrary<Scalar> = fc.oneof(
  number,
  fc.bigInt(-(2n ** 65n), 2n ** 65n),
  fc.record({ re: number, im: fc.oneof(number, fc.constant(0)) }),
);

/** What a file holds once the value was stored in it. */
function stored(value: Scalar, dtype: Dtype): Scalar {
  const descriptor = {
    structure: 'vector',
    dtype,
    rows: 1,
    columns: 1,
    view: { transposed: false, conjugated: false, scalar: { re: 1, im: 0 } },
    payloadUuid: 'a',
    seed: 0n,
  } as const;
  return elementReader(
    descriptor,
    encodePayload(descriptor, () => value),
  ).get(0, 0);
}

describe.each(dtypes)('%s', (dtype) => {
  it('what is held exactly comes back as it was', () => {
    fc.assert(
      fc.property(scalar, (value) => {
        const exact = exactly(value, dtype);
        if (exact === undefined) return;
        expect(sameValue(stored(exact, dtype), value)).toBe(true);
      }),
    );
  });

  it('what is not held exactly would come back as something else', () => {
    fc.assert(
      fc.property(scalar, (value) => {
        if (exactly(value, dtype) !== undefined) return;
        let close: Scalar;
        try {
          close = nearest(value, dtype);
        } catch (error) {
          expect(error).toBeInstanceOf(RangeError);
          return;
        }
        expect(sameValue(stored(close, dtype), value)).toBe(false);
      }),
    );
  });

  it('the nearest value can be stored as it is', () => {
    fc.assert(
      fc.property(scalar, (value) => {
        const real = typeof value === 'object' ? value.re : value;
        if (typeof real === 'number' && Number.isNaN(real)) return;
        const close = nearest(value, dtype);
        expect(sameValue(stored(close, dtype), close)).toBe(true);
        expect(exactly(close, dtype)).toEqual(close);
      }),
    );
  });
});

it('nearest rounds, and cuts to the range', () => {
  expect(nearest(2.4, 'i8')).toBe(2);
  expect(nearest(-1e9, 'i8')).toBe(-128);
  expect(nearest(2n ** 64n, 'u64')).toBe(2n ** 64n - 1n);
  expect(nearest(Number.NEGATIVE_INFINITY, 'i16')).toBe(-32_768);
  expect(nearest(0.7, 'bit')).toBe(1);
});
