// The operations, each on the arrays that JavaScript has.
import {
  type ArrayOf,
  checkInteger,
  checkOverlap,
  checkSameType,
  countOf,
  type ElementType,
  elementTypeOf,
  type FloatArray,
  type Integer32Array,
  type Named,
  type NumericArray,
  newArray,
  type ScalarOf,
} from './arrays.js';
import { argumentError } from './errors.js';
import { checkFloats, checkShape, type Matrix, matrixArguments, newMatrix } from './matrix.js';
import type { Native } from './native.js';
import type {
  HistogramOptions,
  MatrixOptions,
  OutputOptions,
  SortOptions,
  SortPairsOptions,
  VectorOptions,
} from './options.js';
import { type ComputeResult, type OperationOptions, Runner, type SessionOptions } from './runner.js';
import { checkScalar } from './scalars.js';

type Result<Value> = Promise<ComputeResult<Value>>;
/** What sums of integers are: exact. */
type Total<T extends NumericArray> = T extends FloatArray ? number : bigint;

/**
 * A session. Operations run on all cores and off the main thread, two of them at a time. While one runs, its arrays may be
 * read if they are inputs, and must be neither detached nor, if they lie in a mapped file, closed.
 *
 * All operations reject with `CapacityError` for more elements than an array has, and with `ComputeError` for arguments that make no
 * sense, too little memory, and a session that is closed; nothing has been written then. `fallback: 'never'` makes them
 * reject with @vgpu/resilience's `GpuError` where the GPU does not work.
 */
export class ComputeSession {
  readonly #runner: Runner;

  /** @internal */
  constructor(options: SessionOptions) {
    this.#runner = new Runner(options);
  }

  /**
   * Exact for integers, as a bigint. Floats are summed in double: the error is below 2⁻⁵³ × (1030 + log₂ n) Σ|x|, and the bits are
   * the same whatever the number of cores. 0 without elements.
   */
  async sum<T extends NumericArray>(x: T, options: VectorOptions = {}): Result<Total<T>> {
    return this.#reduce('sum', x, options);
  }

  /** The sum as a double, divided by the number of elements, of which there is one at least. */
  async mean(x: NumericArray, options: VectorOptions = {}): Result<number> {
    return this.#reduce('mean', x, options);
  }

  /** NaN if there is one; −0 is less than +0. There is one element at least. A bigint for 64-bit integers. */
  async min<T extends NumericArray>(x: T, options: VectorOptions = {}): Result<ScalarOf<T>> {
    return this.#extreme('min', x, options);
  }

  /** NaN if there is one; +0 is greater than −0. There is one element at least. A bigint for 64-bit integers. */
  async max<T extends NumericArray>(x: T, options: VectorOptions = {}): Result<ScalarOf<T>> {
    return this.#extreme('max', x, options);
  }

  /** The Euclidean norm. It neither overflows nor underflows where the result does not. */
  async norm(x: FloatArray | Integer32Array, options: VectorOptions = {}): Result<number> {
    return this.#reduce('norm', x, options);
  }

  /** The sum of products: exact for integers, as a bigint; of floats in double, as accurate as `sum`. */
  async dot<T extends FloatArray | Integer32Array>(
    x: T,
    y: T,
    options: VectorOptions = {},
  ): Result<Total<T>> {
    const inputs = [named('x', x), named('y', y)] as const;
    checkSameType(...inputs);
    const count = countOf(options.count, [...inputs]);
    const result = await this.#runner.run(
      'dot',
      (start, engine) => engine.dot(...start, x, y, count),
      options,
    );
    return { ...result, value: result.value.value as Total<T> };
  }

  /** x + y. Integers wrap around. */
  async add<T extends NumericArray>(x: T, y: T, options: OutputOptions<T> = {}): Result<T> {
    return this.#binary('add', x, y, options);
  }

  /** x − y. Integers wrap around. */
  async sub<T extends NumericArray>(x: T, y: T, options: OutputOptions<T> = {}): Result<T> {
    return this.#binary('sub', x, y, options);
  }

  /** x × y, element by element. Integers wrap around. */
  async mul<T extends NumericArray>(x: T, y: T, options: OutputOptions<T> = {}): Result<T> {
    return this.#binary('mul', x, y, options);
  }

  /**
   * x ÷ y; integers towards 0.
   *
   * @throws ComputeError ERR_VGPU_COMPUTE_DIVISION_BY_ZERO, naming the first integer divisor that is 0
   */
  async div<T extends NumericArray>(x: T, y: T, options: OutputOptions<T> = {}): Result<T> {
    return this.#binary('div', x, y, options);
  }

  /** x × factor. The factor becomes a number of the array's type first, as `cast` does it. */
  async scale<T extends NumericArray>(x: T, factor: ScalarOf<T>, options: OutputOptions<T> = {}): Result<T> {
    const type = elementTypeOf(x, 'x');
    checkScalar(factor, type, 'factor');
    const { count, out } = this.#output([named('x', x)], type, options);
    return this.#write('scale', out, options, (start, engine) =>
      engine.scale(...start, x, factor, out, count),
    );
  }

  /** alpha × x + y, rounded after the product and after the sum. Integers wrap around. */
  async axpy<T extends NumericArray>(
    alpha: ScalarOf<T>,
    x: T,
    y: T,
    options: OutputOptions<T> = {},
  ): Result<T> {
    const inputs = [named('x', x), named('y', y)] as const;
    const type = checkSameType(...inputs);
    checkScalar(alpha, type, 'alpha');
    const { count, out } = this.#output([...inputs], type, options);
    return this.#write('axpy', out, options, (start, engine) =>
      engine.axpy(...start, alpha, x, y, out, count),
    );
  }

  /** Sets all elements, or the first `count`. Gives `out` back. */
  async fill<T extends NumericArray>(out: T, value: ScalarOf<T>, options: VectorOptions = {}): Result<T> {
    checkScalar(value, elementTypeOf(out, 'out'), 'value');
    const count = countOf(options.count, [named('out', out)]);
    return this.#write('fill', out, options, (start, engine) => engine.fill(...start, value, out, count));
  }

  /**
   * The same numbers in another type. Floats that become integers are cut towards 0; beyond the integers' range they become the
   * nearest one, and NaN becomes 0. Integers wrap around in smaller ones. Everything else is rounded to nearest.
   */
  async cast<Type extends ElementType>(
    x: NumericArray,
    type: Type,
    options: OutputOptions<ArrayOf[Type]> = {},
  ): Result<ArrayOf[Type]> {
    const input = named('x', x);
    elementTypeOf(x, 'x');
    const { out: given } = options;
    const count = countOf(options.count, [input], given ? [named('out', given)] : []);
    const out = given ?? newArray(type, count);
    if (elementTypeOf(out, 'out') !== type) throw argumentError(`out has no elements of ${type}`);
    checkOverlap(named('out', out), [input], count);
    return this.#write('cast', out, options, (start, engine) => engine.cast(...start, x, out, count));
  }

  /** Running sums, each with its own element. Integers wrap around; floats are summed in double. */
  async inclusiveScan<T extends NumericArray>(x: T, options: OutputOptions<T> = {}): Result<T> {
    return this.#unary('inclusiveScan', x, options);
  }

  /** Running sums of the elements before each one. */
  async exclusiveScan<T extends NumericArray>(x: T, options: OutputOptions<T> = {}): Result<T> {
    return this.#unary('exclusiveScan', x, options);
  }

  /**
   * How many elements lie in each of `bins` equal intervals from `min` to `max`. Each has its lower end, the last one both. What
   * lies outside, and NaN, is not counted. Each core takes 4 × bins bytes.
   */
  async histogram(x: NumericArray, options: HistogramOptions): Result<Uint32Array> {
    const { bins, min, max } = options;
    elementTypeOf(x, 'x');
    checkInteger(bins, 'bins', 1);
    if (!(min < max) || !Number.isFinite(max - min)) {
      throw argumentError(`there is no interval from ${min} to ${max}`, { min, max });
    }
    const count = countOf(options.count, [named('x', x)]);
    const counts = newArray('u32', bins);
    return this.#write('histogram', counts, options, (start, engine) =>
      engine.histogram(...start, x, min, max, counts, count),
    );
  }

  /**
   * Ascending: numbers, −0 before +0, then NaN. Descending: the opposite. Every NaN comes out as the quiet one. Takes two copies of
   * the keys.
   */
  async sort<T extends NumericArray>(keys: T, options: SortOptions<T> = {}): Result<T> {
    const { descending = false } = options;
    const type = elementTypeOf(keys, 'keys');
    const { count, out } = this.#output([named('keys', keys)], type, options);
    return this.#write('sort', out, options, (start, engine) =>
      engine.sort(...start, keys, descending, out, count),
    );
  }

  /**
   * Sorts keys like `sort`, and values along with them. Stable: equal keys stay in their order, descending too. Takes twice 8 bytes a
   * pair where both are of 32 bits, else twice 16.
   */
  async sortPairs<K extends NumericArray, V extends NumericArray>(
    keys: K,
    values: V,
    options: SortPairsOptions<K, V> = {},
  ): Result<{ readonly keys: K; readonly values: V }> {
    const { descending = false, outKeys: givenKeys, outValues: givenValues } = options;
    const inputs = [named('keys', keys), named('values', values)] as const;
    const keyType = elementTypeOf(keys, 'keys');
    const valueType = elementTypeOf(values, 'values');
    const given = [
      ...(givenKeys ? [named('outKeys', givenKeys)] : []),
      ...(givenValues ? [named('outValues', givenValues)] : []),
    ];
    const count = countOf(options.count, [...inputs], given);
    const outKeys = givenKeys ?? (newArray(keyType, count) as K);
    const outValues = givenValues ?? (newArray(valueType, count) as V);
    checkSameType(inputs[0], named('outKeys', outKeys));
    checkSameType(inputs[1], named('outValues', outValues));
    checkOverlap(named('outKeys', outKeys), inputs, count);
    checkOverlap(named('outValues', outValues), inputs, count);
    checkOverlap(named('outKeys', outKeys), [named('outValues', outValues)], count, 'apart');
    return this.#write('sortPairs', { keys: outKeys, values: outValues }, options, (start, engine) =>
      engine.sortPairs(...start, keys, values, descending, outKeys, outValues, count),
    );
  }

  /** Where the key that belongs at each place is. Stable, and ordered like `sort`. At most 2³² − 1 keys. */
  async argsort(keys: NumericArray, options: SortOptions<Uint32Array> = {}): Result<Uint32Array> {
    const { descending = false, out: given } = options;
    const input = named('keys', keys);
    elementTypeOf(keys, 'keys');
    const count = countOf(options.count, [input], given ? [named('out', given)] : []);
    const out = given ?? newArray('u32', count);
    if (elementTypeOf(out, 'out') !== 'u32') throw argumentError('out is not a Uint32Array');
    checkOverlap(named('out', out), [input], count);
    return this.#write('argsort', out, options, (start, engine) =>
      engine.argsort(...start, keys, descending, out, count),
    );
  }

  /**
   * The `k` greatest elements (with `descending: false` the least), best first, and where they are. Of equal ones those that come first.
   * NaN counts as the greatest.
   */
  async topK<T extends NumericArray>(
    x: T,
    k: number,
    options: VectorOptions & { readonly descending?: boolean } = {},
  ): Result<{ readonly values: T; readonly indices: Uint32Array }> {
    const { descending = true } = options;
    const type = elementTypeOf(x, 'x');
    checkInteger(k, 'k');
    const count = countOf(options.count, [named('x', x)]);
    countOf(k, [named('x', x.subarray(0, count))]);
    const values = newArray(type, k) as T;
    const indices = newArray('u32', k);
    return this.#write('topK', { values, indices }, options, (start, engine) =>
      engine.topK(...start, x, descending, values, indices, k, count),
    );
  }

  /**
   * a × b. By OpenBLAS where `libopenblas.so.0` is installed, else by a kernel of our own; each element has an error of about
   * k × 2⁻²⁴ (f32) or k × 2⁻⁵³ (f64) of the sum of its k products’ magnitudes. A `signal` is heeded before it begins, not on its way.
   * What it packs into the cache, some MiB for each core, stays and does not count for `memoryLimit`.
   */
  async matmul<T extends FloatArray>(
    a: Matrix<T>,
    b: Matrix<T>,
    options: MatrixOptions<T> = {},
  ): Result<Matrix<T>> {
    const inputs = [named('a.data', a.data), named('b.data', b.data)] as const;
    const type = checkSameType(...inputs);
    checkFloats(type);
    const left = matrixArguments(a, 'a');
    const right = matrixArguments(b, 'b');
    checkShape(b, 'b', a.columns, b.columns);
    const out = options.out ?? newMatrix<T>(type, a.rows, b.columns);
    checkSameType(inputs[0], named('out.data', out.data));
    checkShape(out, 'out', a.rows, b.columns);
    const output = matrixArguments(out, 'out');
    checkOverlap(named('out.data', out.data), inputs, Infinity, 'apart');
    return this.#write('matmul', out, options, (start, engine) =>
      engine.matmul(...start, ...left, ...right, ...output),
    );
  }

  /** a × x: each element a `dot` of a row. */
  async matvec<T extends FloatArray>(
    a: Matrix<T>,
    x: T,
    options: OperationOptions & { readonly out?: T } = {},
  ): Result<T> {
    const type = checkSameType(named('a.data', a.data), named('x', x));
    checkFloats(type);
    const matrix = matrixArguments(a, 'a');
    countOf(a.columns, [named('x', x)]);
    const out = options.out ?? (newArray(type, a.rows) as T);
    checkSameType(named('a.data', a.data), named('out', out));
    countOf(a.rows, [named('out', out)]);
    checkOverlap(named('out', out), [named('a.data', a.data), named('x', x)], Infinity, 'apart');
    return this.#write('matvec', out, options, (start, engine) => engine.matvec(...start, ...matrix, x, out));
  }

  /** Rows become columns. */
  async transpose<T extends NumericArray>(a: Matrix<T>, options: MatrixOptions<T> = {}): Result<Matrix<T>> {
    const type = elementTypeOf(a.data, 'a.data');
    const input = matrixArguments(a, 'a');
    const out = options.out ?? newMatrix<T>(type, a.columns, a.rows);
    checkSameType(named('a.data', a.data), named('out.data', out.data));
    checkShape(out, 'out', a.columns, a.rows);
    const output = matrixArguments(out, 'out');
    checkOverlap(named('out.data', out.data), [named('a.data', a.data)], Infinity, 'apart');
    return this.#write('transpose', out, options, (start, engine) =>
      engine.transpose(...start, ...input, ...output),
    );
  }

  /** Refuses what comes later, and waits for what is under way. Does no more the second time. */
  async close(): Promise<void> {
    await this.#runner.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #reduce<Value>(
    name: 'sum' | 'mean' | 'min' | 'max' | 'norm',
    x: NumericArray,
    options: VectorOptions,
  ): Result<Value> {
    elementTypeOf(x, 'x');
    const count = countOf(options.count, [named('x', x)]);
    if (count === 0 && name !== 'sum' && name !== 'norm') throw argumentError(`${name} of no elements`);
    const result = await this.#runner.run(name, (start, engine) => engine[name](...start, x, count), options);
    return { ...result, value: result.value.value as Value };
  }

  async #extreme<T extends NumericArray>(
    name: 'min' | 'max',
    x: T,
    options: VectorOptions,
  ): Result<ScalarOf<T>> {
    const result = await this.#reduce<number | bigint>(name, x, options);
    const { value } = result;
    const isLong = x[Symbol.toStringTag].startsWith('Big');
    return { ...result, value: (isLong ? value : Number(value)) as ScalarOf<T> };
  }

  async #binary<T extends NumericArray>(
    name: 'add' | 'sub' | 'mul' | 'div',
    x: T,
    y: T,
    options: OutputOptions<T>,
  ): Result<T> {
    const inputs = [named('x', x), named('y', y)] as const;
    const type = checkSameType(...inputs);
    const { count, out } = this.#output([...inputs], type, options);
    return this.#write(name, out, options, (start, engine) => engine[name](...start, x, y, out, count));
  }

  async #unary<T extends NumericArray>(
    name: 'inclusiveScan' | 'exclusiveScan',
    x: T,
    options: OutputOptions<T>,
  ): Result<T> {
    const { count, out } = this.#output([named('x', x)], elementTypeOf(x, 'x'), options);
    return this.#write(name, out, options, (start, engine) => engine[name](...start, x, out, count));
  }

  /** The array to write to, checked against the inputs, whose type it has. */
  #output<T extends NumericArray>(
    inputs: [Named, ...Named[]],
    type: ElementType,
    { count: wanted, out: given }: OutputOptions<T>,
  ): { readonly count: number; readonly out: T } {
    const count = countOf(wanted, inputs, given ? [named('out', given)] : []);
    if (given === undefined) return { count, out: newArray(type, count) as T };
    checkSameType(inputs[0], named('out', given));
    checkOverlap(named('out', given), inputs, count);
    return { count, out: given };
  }

  async #write<Value>(
    name: keyof Native & string,
    value: Value,
    options: OperationOptions,
    call: Parameters<Runner['run']>[1],
  ): Result<Value> {
    return { ...(await this.#runner.run(name, call, options)), value };
  }
}

/**
 * A session for one thread; each thread may have its own.
 *
 * @throws ComputeError ERR_VGPU_COMPUTE_ARGUMENT, ERR_VGPU_COMPUTE_GPU_UNAVAILABLE, or ERR_VGPU_COMPUTE_ADDON_MISSING
 */
export async function createSession(options: SessionOptions = {}): Promise<ComputeSession> {
  return new ComputeSession(options);
}

function named(name: string, array: NumericArray): Named {
  return { name, array };
}
