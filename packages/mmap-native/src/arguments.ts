// What users pass, checked once at the boundary.
import { constants } from 'node:buffer';
import { MmapError } from './errors.js';

/** An offset or length in bytes, from 0 to 2^53 − 1. */
export type FileBytes = number | bigint;

/** A part of a file, in bytes. */
export interface FileRange {
  readonly offset: number;
  readonly length: number;
}

/** The most that one window holds: 4 GiB, or less where an ArrayBuffer holds less. */
export const maximumWindowBytes: number = Math.min(constants.MAX_LENGTH, 2 ** 32);

/** @throws MmapError ERR_VGPU_MMAP_ARGUMENT */
export function bytesOf(value: FileBytes, name: string): number {
  const number = typeof value === 'bigint' ? Number(value) : value;
  // A bigint beyond 2^53 becomes a number that is no safe integer.
  if (typeof number !== 'number' || !Number.isSafeInteger(number) || number < 0) {
    throw new MmapError(
      'ERR_VGPU_MMAP_ARGUMENT',
      `${name} is ${String(value)}, not an integer from 0 to 2^53 - 1`,
    );
  }
  return number;
}

/**
 * A range of `size` bytes; without `length` it goes to the end.
 *
 * @throws MmapError ERR_VGPU_MMAP_ARGUMENT, or ERR_VGPU_MMAP_RANGE when the range does not lie inside
 */
export function rangeInside(
  size: number,
  path: string,
  offset: FileBytes = 0,
  length?: FileBytes,
): FileRange {
  const start = bytesOf(offset, 'offset');
  const count = length === undefined ? size - start : bytesOf(length, 'length');
  if (start > size || count > size - start) {
    throw new MmapError(
      'ERR_VGPU_MMAP_RANGE',
      `bytes ${start} to ${start + count} do not lie inside ${path}, which has ${size}`,
      { values: { path, offset: start, length: count, size } },
    );
  }
  return { offset: start, length: count };
}

/** @throws MmapError ERR_VGPU_MMAP_RANGE unless an ArrayBuffer holds so much, and at least one byte. */
export function checkWindowLength(path: string, { offset, length }: FileRange, mapped: number): void {
  if (length >= 1 && mapped <= maximumWindowBytes) return;
  throw new MmapError(
    'ERR_VGPU_MMAP_RANGE',
    `a window of ${length} bytes at ${offset} of ${path}: windows have 1 to ${maximumWindowBytes} bytes, counted from the page that the offset lies in`,
    { values: { path, offset, length }, remedy: 'Use several windows.' },
  );
}

/** @throws MmapError ERR_VGPU_MMAP_ARGUMENT unless it is a path that the system could know. */
export function checkPath(path: string): void {
  if (typeof path === 'string' && path !== '' && !path.includes('\0')) return;
  throw new MmapError('ERR_VGPU_MMAP_ARGUMENT', `not a path: ${JSON.stringify(path)}`);
}

/** @throws MmapError ERR_VGPU_MMAP_ARGUMENT */
export function checkChoice<T extends string>(value: T, choices: readonly T[], name: string): void {
  if (choices.includes(value)) return;
  throw new MmapError(
    'ERR_VGPU_MMAP_ARGUMENT',
    `${name} is ${JSON.stringify(value)}, not one of ${choices.join(', ')}`,
  );
}

/** @throws MmapError ERR_VGPU_MMAP_ARGUMENT */
export function checkBytes(value: Uint8Array, name: string): void {
  if (value instanceof Uint8Array) return;
  throw new MmapError('ERR_VGPU_MMAP_ARGUMENT', `${name} is not a Uint8Array`);
}
