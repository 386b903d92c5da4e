import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  type Dtype,
  dtypes,
  dtypeTraits,
  type LayoutInput,
  payloadLayout,
  type Structure,
} from '../src/index.js';

const square = ['triangular', 'symmetric', 'antisymmetric', 'diagonal'] as const;

function input(
  structure: Structure,
  dtype: Dtype,
  rows: number,
  columns: number,
  diagonal = false,
): LayoutInput {
  return { structure, dtype, rows, columns, diagonal };
}

const anyInput = fc
  .record({
    structure: fc.constantFrom<Structure>('dense', 'vector', ...square),
    dtype: fc.constantFrom(...dtypes),
    rows: fc.integer({ min: 0, max: 150 }),
    columns: fc.integer({ min: 0, max: 150 }),
    diagonal: fc.boolean(),
  })
  .map(({ structure, dtype, rows, columns, diagonal }) => {
    const width = structure === 'dense' ? columns : structure === 'vector' ? 1 : rows;
    return input(structure, dtype, rows, width, diagonal);
  });

describe('payloadLayout', () => {
  test.each<[string, LayoutInput, number]>([
    ['dense rows without padding', input('dense', 'i8', 3, 5), 15],
    ['bit rows fill 64 bytes', input('dense', 'bit', 2, 513), 256],
    ['bit vectors fill words', input('vector', 'bit', 65, 1), 16],
    ['strictly triangular bit rows fill words', input('triangular', 'bit', 130, 130), 1560],
    ['triangular rows fill words', input('triangular', 'i32', 7, 7), 96],
    ['with its diagonal', input('triangular', 'i32', 7, 7, true), 128],
    ['symmetric matrices keep the diagonal', input('symmetric', 'f64', 7, 7), 224],
    ['so do antisymmetric ones', input('antisymmetric', 'f64', 7, 7), 224],
    ['diagonal', input('diagonal', 'f64', 7, 7), 56],
    ['complex float16 in two planes', input('dense', 'cf16', 7, 7), 196],
    ['identity stores nothing', input('identity', 'f64', 2 ** 40, 2 ** 40), 0],
    ['a unit vector stores nothing', input('unit-vector', 'f64', 65, 1), 0],
  ])('%s', (_, layoutInput, bytes) => {
    expect(payloadLayout(layoutInput).byteLength).toBe(bytes);
  });

  test('addresses a matrix of 100 GiB, and one at the limit, exactly', () => {
    const wide = payloadLayout(input('dense', 'f64', 131_072, 102_400));
    expect(wide.byteLength).toBe(100 * 2 ** 30);
    expect(wide.bitOffset(131_071, 102_399)).toBe((100 * 2 ** 30 - 8) * 8);
    const triangle = payloadLayout(input('symmetric', 'u8', 40_000_000, 40_000_000));
    const words = (n: bigint) => (8n * ((n / 8n) * (n / 8n + 1n))) / 2n;
    expect(BigInt(triangle.byteLength)).toBe(words(40_000_000n) * 8n);
    expect(triangle.bitOffset(39_999_999, 39_999_999)).toBe(triangle.byteLength * 8 - 64);
  });

  test('no two elements share a bit, none lies outside, rows follow one another', () => {
    fc.assert(
      fc.property(anyInput, (layoutInput) => {
        const layout = payloadLayout(layoutInput);
        const symmetric = layoutInput.structure === 'symmetric' || layoutInput.structure === 'antisymmetric';
        let previous = -1;
        for (let row = 0; row < layoutInput.rows; row++) {
          for (let column = symmetric ? row : 0; column < layoutInput.columns; column++) {
            const position = layout.bitOffset(row, column);
            if (position < 0) continue;
            // One expectation per element would take most of the test's time.
            if (position <= previous || position % layout.bitsPerElement !== 0) {
              throw new Error(`element (${row}, ${column}) at bit ${position}, behind bit ${previous}`);
            }
            previous = position + layout.bitsPerElement - 1;
          }
        }
        expect(previous).toBeLessThan(layout.planeBytes * 8);
        expect(layout.planeBytes * layout.planes).toBe(layout.byteLength);
      }),
    );
  });

  test('rowOffset and rowElements agree with bitOffset', () => {
    fc.assert(
      fc.property(anyInput, (layoutInput) => {
        const layout = payloadLayout(layoutInput);
        const found: number[] = [];
        const expected: number[] = [];
        for (let row = 0; row < layout.storedRows && layout.storedRows > 1; row++) {
          const elements = layout.rowElements(row);
          if (elements === 0) continue;
          found.push(layout.bitOffset(row, layoutInput.columns - elements));
          expected.push(layout.rowOffset(row) * 8);
        }
        expect(found).toEqual(expected);
      }),
    );
  });

  test('mirrors the lower triangle of symmetric and antisymmetric matrices', () => {
    for (const structure of ['symmetric', 'antisymmetric'] as const) {
      const { bitOffset } = payloadLayout(input(structure, 'i16', 9, 9));
      for (let row = 0; row < 9; row++) {
        for (let column = 0; column < 9; column++)
          expect(bitOffset(row, column)).toBe(bitOffset(column, row));
      }
    }
  });

  test('every dtype has a whole number of bits', () => {
    for (const dtype of dtypes) {
      const { bitsPerElement, planes } = payloadLayout(input('dense', dtype, 1, 1));
      expect(bitsPerElement * planes).toBe(dtypeTraits[dtype].bytes * 8);
    }
  });

  test.each<[string, LayoutInput]>([
    ['a triangle that is no square', input('triangular', 'f64', 3, 5)],
    ['a vector with two columns', input('vector', 'f64', 3, 2)],
    ['a negative size', input('dense', 'f64', -1, 2)],
    ['a fraction', input('dense', 'f64', 1.5, 2)],
  ])('refuses %s', (_, layoutInput) => {
    expect(() => payloadLayout(layoutInput)).toThrow(
      expect.objectContaining({ code: 'ERR_VGPU_FORMAT_ARGUMENT' }),
    );
  });

  test('refuses what overflows', () => {
    for (const rows of [2 ** 32, 2 ** 53 - 1]) {
      for (const structure of ['dense', ...square] as const) {
        if (structure === 'diagonal') continue;
        expect(() => payloadLayout(input(structure, 'f64', rows, rows))).toThrow(
          expect.objectContaining({ code: 'ERR_VGPU_FORMAT_TOO_LARGE' }),
        );
      }
    }
  });
});
