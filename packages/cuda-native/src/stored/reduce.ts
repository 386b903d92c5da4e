// Reductions of arrays that are larger than memory.
import { checkInteger, type ElementType, newArray, type NumericArray } from '../arrays.js';
import { argumentError, CapacityError } from '../errors.js';
import type { HistogramOptions } from '../options.js';
import type { ComputeSession } from '../session.js';
import { checkNotEmpty, Run, type StoredOptions, type StoredResult } from './run.js';
import { checkAlike, Elements, type StoredArray } from './stored-array.js';
import { type Piece, pieceSize, piecesOf, stream } from './stream.js';

/** Sums are made of sums of so many elements each, so that their bits do not depend on the memory limit. */
const segment = 2 ** 17;

type Total = number | bigint;

/**
 * As `session.sum`: exact for integers, as a bigint. Of floats the error is below 2⁻⁵³ × (2060 + log₂ n) Σ|x|, and the bits do not
 * depend on cores or memory limit.
 */
export async function sum(
  session: ComputeSession,
  x: StoredArray,
  options: StoredOptions = {},
): Promise<StoredResult<Total>> {
  const elements = new Elements(x, 'x', 'any-order');
  const run = new Run(session, options, elements.count * elements.bytesPerElement);
  return run.result(await total(run, [elements], ([window]) => run.take(session.sum(window, run.options))));
}

/** As `session.mean`. @throws ComputeError ERR_VGPU_COMPUTE_ARGUMENT without elements */
export async function mean(
  session: ComputeSession,
  x: StoredArray,
  options: StoredOptions = {},
): Promise<StoredResult<number>> {
  checkNotEmpty(new Elements(x, 'x', 'any-order').count, 'mean');
  const result = await sum(session, x, options);
  const { rows, columns } = x.descriptor;
  return { ...result, value: Number(result.value) / (rows * columns) };
}

/** As `session.dot`, with the error of `sum`. */
export async function dot(
  session: ComputeSession,
  x: StoredArray,
  y: StoredArray,
  options: StoredOptions = {},
): Promise<StoredResult<Total>> {
  const [left, right] = [new Elements(x, 'x'), new Elements(y, 'y')];
  checkAlike(left, right);
  if (left.type === 'i64' || left.type === 'u64') throw argumentError(`no dot product of ${left.type}`);
  const run = new Run(session, options, 2 * left.count * left.bytesPerElement);
  const value = await total(run, [left, right], ([a, b]) =>
    run.take(session.dot(a as Float64Array, b as Float64Array, run.options)),
  );
  return run.result<Total>(value);
}

/** As `session.norm`. */
export async function norm(
  session: ComputeSession,
  x: StoredArray,
  options: StoredOptions = {},
): Promise<StoredResult<number>> {
  const elements = new Elements(x, 'x', 'any-order');
  if (elements.type === 'i64' || elements.type === 'u64') throw argumentError(`no norm of ${elements.type}`);
  const run = new Run(session, options, elements.count * elements.bytesPerElement);
  const norms: number[] = [];
  await segments(run, [elements], async ([window]) => {
    norms.push(await run.take(session.norm(window as Float64Array, run.options)));
  });
  return run.result(await run.take(session.norm(Float64Array.from(norms), run.options)));
}

/** As `session.min`. @throws ComputeError ERR_VGPU_COMPUTE_ARGUMENT without elements */
export async function min(
  session: ComputeSession,
  x: StoredArray,
  options: StoredOptions = {},
): Promise<StoredResult<Total>> {
  return extreme('min', session, x, options);
}

/** As `session.max`. @throws ComputeError ERR_VGPU_COMPUTE_ARGUMENT without elements */
export async function max(
  session: ComputeSession,
  x: StoredArray,
  options: StoredOptions = {},
): Promise<StoredResult<Total>> {
  return extreme('max', session, x, options);
}

/** As `session.histogram`, with counts up to 2⁵³. */
export async function histogram(
  session: ComputeSession,
  x: StoredArray,
  options: StoredOptions & Pick<HistogramOptions, 'bins' | 'min' | 'max'>,
): Promise<StoredResult<Float64Array>> {
  const { bins, min: low, max: high, ...others } = options;
  checkInteger(bins, 'bins', 1);
  const elements = new Elements(x, 'x', 'any-order');
  const run = new Run(session, others, elements.count * elements.bytesPerElement);
  const counts = newArray('f64', bins);
  await segments(run, [elements], async ([window]) => {
    const more = await run.take(session.histogram(window, { ...run.options, bins, min: low, max: high }));
    for (const [bin, count] of more.entries()) counts[bin] = (counts[bin] ?? 0) + count;
  });
  return run.result(counts);
}

/**
 * As `session.topK`, with indices up to 2⁵³. Takes about 100 bytes for each of the k elements, beside pieces of the array.
 */
export async function topK(
  session: ComputeSession,
  x: StoredArray,
  k: number,
  options: StoredOptions & { readonly descending?: boolean } = {},
): Promise<StoredResult<{ readonly values: NumericArray; readonly indices: Float64Array }>> {
  const { descending = true, ...others } = options;
  const elements = new Elements(x, 'x');
  checkInteger(k, 'k');
  if (k > elements.count) throw new CapacityError('x', k, elements.count);
  const { type, count, bytesPerElement } = elements;
  // What was found, what a segment adds, both together, and what stays of them; and what the session takes for that.
  const own = k * (5 * bytesPerElement + 72);
  const run = new Run(session, others, count * bytesPerElement, own);
  let best = { values: newArray(type, 0) as NumericArray, indices: new Float64Array() };
  await segments(run, [elements], async ([window], { first, count: length }) => {
    const wanted = { ...run.options, descending };
    const more = await run.take(session.topK(window, Math.min(k, length), wanted));
    const values = joined(type, best.values, more.values);
    const indices = new Float64Array(values.length);
    indices.set(best.indices);
    for (const [i, index] of more.indices.entries()) indices[best.indices.length + i] = first + index;
    // Of equal ones the first stay: those that were found before come first.
    const kept = await run.take(session.topK(values, Math.min(k, values.length), wanted));
    best = { values: kept.values, indices: Float64Array.from(kept.indices, (index) => indices[index] ?? 0) };
  });
  return run.result(best);
}

async function extreme(
  name: 'min' | 'max',
  session: ComputeSession,
  x: StoredArray,
  options: StoredOptions,
): Promise<StoredResult<Total>> {
  const elements = new Elements(x, 'x', 'any-order');
  checkNotEmpty(elements.count, name);
  const run = new Run(session, options, elements.count * elements.bytesPerElement);
  let found = newArray(elements.type, 0) as NumericArray;
  await segments(run, [elements], async ([window]) => {
    const value = await run.take<Total>(session[name](window, run.options));
    found = joined(elements.type, found, [value]);
  });
  return run.result(await run.take<Total>(session[name](found, run.options)));
}

/** Each segment of the arrays in turn. */
async function segments(
  run: Run,
  arrays: readonly [Elements, ...Elements[]],
  work: (windows: [NumericArray, ...NumericArray[]], segment: Piece) => Promise<void>,
): Promise<void> {
  const [{ count }] = arrays;
  const size = pieceSize(run, arrays, segment);
  await stream(run, piecesOf(count, size), { inputs: arrays }, async ({ first, count: length }) => {
    for (const each of piecesOf(first + length, segment, first)) {
      const [main, ...others] = arrays;
      const window = (elements: Elements) => elements.window(each.first, each.count);
      await work([window(main), ...others.map(window)], each);
    }
  });
}

/** Adds what `part` makes of each segment. */
async function total(
  run: Run,
  arrays: readonly [Elements, ...Elements[]],
  part: (windows: [NumericArray, ...NumericArray[]]) => Promise<Total>,
): Promise<Total> {
  const parts: Total[] = [];
  await segments(run, arrays, async (windows) => {
    parts.push(await part(windows));
  });
  const [{ type }] = arrays;
  if (type === 'f32' || type === 'f64') {
    return run.take<number>(run.session.sum(Float64Array.from(parts, Number), run.options));
  }
  return parts.reduce<bigint>((sum, each) => sum + BigInt(each), 0n);
}

function joined(type: ElementType, one: NumericArray, other: ArrayLike<Total>): NumericArray {
  const all = newArray(type, one.length + other.length) as Float64Array;
  all.set(one as Float64Array);
  all.set(other as ArrayLike<number>, one.length);
  return all;
}
