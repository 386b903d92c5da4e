// The arrays that operations take, and what is checked about them before anything runs.
import { argumentError, CapacityError, ComputeError } from './errors.js';

/** Typed arrays of each element type. */
export interface ArrayOf {
  readonly f32: Float32Array;
  readonly f64: Float64Array;
  readonly i32: Int32Array;
  readonly u32: Uint32Array;
  readonly i64: BigInt64Array;
  readonly u64: BigUint64Array;
}

/** The name of an element type. */
export type ElementType = keyof ArrayOf;
export type FloatArray = ArrayOf['f32'] | ArrayOf['f64'];
export type Integer32Array = ArrayOf['i32'] | ArrayOf['u32'];
export type Integer64Array = ArrayOf['i64'] | ArrayOf['u64'];
/** Any of them; over a SharedArrayBuffer, too. */
export type NumericArray = FloatArray | Integer32Array | Integer64Array;
/** A scalar for an array: bigint for 64-bit integers. */
export type ScalarOf<T extends NumericArray> = T extends Integer64Array ? bigint : number;

interface Maker<T> {
  readonly BYTES_PER_ELEMENT: number;
  new (count: number): T;
  new (buffer: ArrayBuffer): T;
}

const makers: { readonly [Type in ElementType]: Maker<ArrayOf[Type]> } = {
  f32: Float32Array,
  f64: Float64Array,
  i32: Int32Array,
  u32: Uint32Array,
  i64: BigInt64Array,
  u64: BigUint64Array,
};

const types = new Map<string, ElementType>([
  ['Float32Array', 'f32'],
  ['Float64Array', 'f64'],
  ['Int32Array', 'i32'],
  ['Uint32Array', 'u32'],
  ['BigInt64Array', 'i64'],
  ['BigUint64Array', 'u64'],
]);

/**
 * Threads read and write where an array lay when the operation began: its memory must not go away meanwhile. What is shared can
 * only grow.
 *
 * @throws ComputeError ERR_VGPU_COMPUTE_ARGUMENT for memory that may become less
 */
export function checkFixed({ buffer }: ArrayBufferView, name: string): void {
  if (!('resizable' in buffer) || buffer.resizable !== true) return;
  throw new ComputeError(
    'ERR_VGPU_COMPUTE_ARGUMENT',
    `${name} lies in an ArrayBuffer that can be made smaller meanwhile`,
    { values: { array: name }, remedy: 'Use an ArrayBuffer without maxByteLength, or a SharedArrayBuffer.' },
  );
}

/** @throws ComputeError ERR_VGPU_COMPUTE_ARGUMENT for anything but an array of a type that there is */
export function elementTypeOf(value: NumericArray, name: string): ElementType {
  // The tag holds for arrays of other realms too, and cannot be set from outside.
  const type = ArrayBuffer.isView(value) ? types.get(value[Symbol.toStringTag]) : undefined;
  if (type === undefined) {
    throw argumentError(`${name} is not a typed array of f32, f64, i32, u32, i64 or u64`, { array: name });
  }
  checkFixed(value, name);
  return type;
}

/** @throws ComputeError ERR_VGPU_COMPUTE_ARGUMENT for a type that does not exist */
function makerOf<Type extends ElementType>(type: Type): Maker<ArrayOf[Type]> {
  if (Object.hasOwn(makers, type)) return makers[type];
  throw argumentError(`there is no element type ${String(type)}`);
}

/** @throws ComputeError ERR_VGPU_COMPUTE_ARGUMENT for a type that does not exist */
export function elementBytes(type: ElementType): number {
  return makerOf(type).BYTES_PER_ELEMENT;
}

/** All of the buffer's elements. */
export function arrayOver<Type extends ElementType>(type: Type, buffer: ArrayBuffer): ArrayOf[Type] {
  return new (makerOf(type))(buffer);
}

/**
 * Of zeros.
 *
 * @throws ComputeError ERR_VGPU_COMPUTE_OUT_OF_MEMORY, or ERR_VGPU_COMPUTE_ARGUMENT for a type that does not exist
 */
export function newArray<Type extends ElementType>(type: Type, count: number): ArrayOf[Type] {
  const make = makerOf(type);
  return orOutOfMemory(type, count, () => new make(count));
}

/** @throws ComputeError ERR_VGPU_COMPUTE_OUT_OF_MEMORY, for whatever `make` throws */
export function orOutOfMemory<T>(type: ElementType, count: number, make: () => T): T {
  try {
    return make();
  } catch (cause) {
    const message = `no array of ${count} elements of ${type}: ${String(cause)}`;
    throw new ComputeError('ERR_VGPU_COMPUTE_OUT_OF_MEMORY', message, { values: { count, type }, cause });
  }
}

/** An array with its name in the call, for messages. */
export interface Named<T = NumericArray> {
  readonly name: string;
  readonly array: T;
}

/** What is asked about the place of any typed array. */
type Elements = ArrayBufferView & { readonly length: number; readonly BYTES_PER_ELEMENT: number };

export function named(name: string, array: NumericArray): Named {
  return { name, array };
}

/** @throws ComputeError ERR_VGPU_COMPUTE_ARGUMENT unless all have the type of the first one */
export function checkSameType(first: Named, ...others: readonly Named[]): ElementType {
  const type = elementTypeOf(first.array, first.name);
  for (const { name, array } of others) {
    const other = elementTypeOf(array, name);
    if (other !== type) {
      throw argumentError(`${name} has elements of ${other}, and ${first.name} of ${type}`, { array: name });
    }
  }
  return type;
}

/** @throws ComputeError ERR_VGPU_COMPUTE_ARGUMENT unless it is a number from `least` to 2^53 − 1 without a fraction */
export function checkInteger(value: number, name: string, least = 0): void {
  if (Number.isSafeInteger(value) && value >= least) return;
  throw argumentError(`${name} is ${String(value)}, not an integer from ${least} to 2^53 - 1`, { name });
}

/**
 * How many elements an operation processes: `count`, or else all of the inputs, which must then have one length.
 *
 * @throws CapacityError where an array has fewer
 */
export function countOf(
  count: number | undefined,
  inputs: readonly [Named<Elements>, ...Named<Elements>[]],
  outputs: readonly Named<Elements>[] = [],
): number {
  const [first, ...others] = inputs;
  if (count !== undefined) checkInteger(count, 'count');
  const wanted = count ?? first.array.length;
  for (const { name, array } of [...inputs, ...outputs]) {
    if (array.length < wanted) throw new CapacityError(name, wanted, array.length);
  }
  for (const { name, array } of count === undefined ? others : []) {
    if (array.length !== wanted) {
      throw argumentError(`${name} has ${array.length} elements, and ${first.name} ${wanted}`, {
        array: name,
        count: wanted,
        length: array.length,
      });
    }
  }
  return wanted;
}

/**
 * Whether the first `count` elements of an output may be written while inputs are read: where they are the same elements, or
 * where the operation says `apart`, none of the same memory.
 *
 * @throws ComputeError ERR_VGPU_COMPUTE_OVERLAP
 */
export function checkOverlap(
  output: Named<Elements>,
  others: readonly Named<Elements>[],
  count: number,
  apart: 'apart' | 'same-or-apart' = 'same-or-apart',
): void {
  const out = output.array;
  for (const { name, array } of others) {
    if (array.buffer !== out.buffer) continue;
    const same = array.byteOffset === out.byteOffset && array.BYTES_PER_ELEMENT === out.BYTES_PER_ELEMENT;
    if (same && apart === 'same-or-apart') continue;
    const disjoint =
      array.byteOffset + Math.min(count, array.length) * array.BYTES_PER_ELEMENT <= out.byteOffset ||
      out.byteOffset + Math.min(count, out.length) * out.BYTES_PER_ELEMENT <= array.byteOffset;
    if (disjoint) continue;
    throw new ComputeError('ERR_VGPU_COMPUTE_OVERLAP', `${output.name} overlaps ${name}`, {
      values: { output: output.name, array: name },
      remedy: 'Write to an array of its own, or to exactly the elements that are read.',
    });
  }
}
