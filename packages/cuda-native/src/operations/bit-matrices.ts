// Matrices of bits.
import { checkInteger, checkOverlap, checkSameType, elementTypeOf, named } from '../arrays.js';
import type { Call, MatrixCall } from '../calls.js';
import { argumentError, CapacityError } from '../errors.js';
import { checkShape, type Matrix, matrixArguments, newMatrix } from '../matrix.js';
import type { MatrixOptions } from '../options.js';
import { LinearSystems } from './linear-systems.js';
import type { Result } from './operations.js';

type BitMatrixCall = [words: BigUint64Array, rows: number, columns: number, stride: number];

/** What the addon has for this family. */
export interface BitMatrixCalls {
  readonly bitMatmul: Call<[...a: BitMatrixCall, ...b: BitMatrixCall, ...out: MatrixCall]>;
}

/**
 * Bits by rows of 64-bit words, the lowest bit of a word first: as dense bit matrices lie in @vgpu/format's files. What lies behind the
 * last column of a row does not count.
 */
export interface BitMatrix {
  readonly words: BigUint64Array;
  readonly rows: number;
  readonly columns: number;
  /** From row to row, in words; by default whole cache lines: 8 × ⌈columns ÷ 512⌉. */
  readonly stride?: number;
}

const wordsInLine = 8;
const wordBits = 64;
const mostColumns = 2 ** 31 - 1;

export abstract class BitMatrices extends LinearSystems {
  /**
   * Element (i, j): for how many k both a(i, k) and b(k, j) are 1. Exact. `a` has at most 2³¹ − 1 columns. Takes a copy of `b`.
   */
  async bitMatmul(
    a: BitMatrix,
    b: BitMatrix,
    options: MatrixOptions<Int32Array> = {},
  ): Result<Matrix<Int32Array>> {
    const left = bitMatrixArguments(a, 'a');
    const right = bitMatrixArguments(b, 'b');
    if (b.rows !== a.columns || a.columns > mostColumns) {
      throw argumentError(
        `a has ${a.columns} columns, and b ${b.rows} rows; both must be one number up to 2^31 - 1`,
        {
          columns: a.columns,
          rows: b.rows,
        },
      );
    }
    const out = options.out ?? newMatrix<Int32Array>('i32', a.rows, b.columns);
    if (elementTypeOf(out.data, 'out.data') !== 'i32') throw argumentError('out.data is not an Int32Array');
    checkShape(out, 'out', a.rows, b.columns);
    const output = matrixArguments(out, 'out');
    const inputs = [named('a.words', a.words), named('b.words', b.words)];
    checkOverlap(named('out.data', out.data), inputs, Infinity, 'apart');
    return this.write('bitMatmul', out, options, (start, engine) =>
      engine.bitMatmul(...start, ...left, ...right, ...output),
    );
  }
}

function bitMatrixArguments(matrix: BitMatrix, name: string): BitMatrixCall {
  const { words, rows, columns } = matrix;
  checkSameType(named('a bit matrix', new BigUint64Array(0)), named(`${name}.words`, words));
  checkInteger(rows, `${name}.rows`);
  checkInteger(columns, `${name}.columns`);
  const { stride = Math.ceil(columns / (wordBits * wordsInLine)) * wordsInLine } = matrix;
  checkInteger(stride, `${name}.stride`);
  const wordsInRow = Math.ceil(columns / wordBits);
  if (stride < wordsInRow) {
    throw argumentError(`the rows of ${name} overlap: ${columns} columns, and a stride of ${stride} words`, {
      columns,
      stride,
    });
  }
  const needed = rows === 0 || columns === 0 ? 0 : (rows - 1) * stride + wordsInRow;
  if (needed > words.length) throw new CapacityError(`${name}.words`, needed, words.length);
  return [words, rows, columns, stride];
}
