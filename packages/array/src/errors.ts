// What can go wrong with an array, beyond what @vgpu/format says of bytes and @vgpu/mmap-native of files.
import type { ErrorValue } from '@vgpu/format';
import { isMmapError, MmapError } from '@vgpu/mmap-native';

export type ArrayErrorCode =
  /**
   * A mistake of the caller.
   * @remedy Correct the argument that the message names.
   */
  | 'ERR_VGPU_ARRAY_ARGUMENT'
  /**
   * No such row, column or block.
   * @remedy Stay below the size that the message names.
   */
  | 'ERR_VGPU_ARRAY_RANGE'
  /**
   * Opened without `update`.
   * @remedy Open the array with `update: 'atomic'` or `'in-place'`.
   */
  | 'ERR_VGPU_ARRAY_READ_ONLY'
  /**
   * Changing needs begin() first.
   * @remedy Call `begin()` before the change, and `commit()` behind it.
   */
  | 'ERR_VGPU_ARRAY_NO_DRAFT'
  /**
   * An update is open already.
   * @remedy End the open update with `commit()` or `rollback()`.
   */
  | 'ERR_VGPU_ARRAY_DRAFT_OPEN'
  /**
   * A begin(), commit() or rollback() is still running.
   * @remedy Await it before the next call.
   */
  | 'ERR_VGPU_ARRAY_BUSY'
  /**
   * An in-place update cannot be taken back.
   * @remedy Commit it, or use atomic updates where taking back may be needed.
   */
  | 'ERR_VGPU_ARRAY_NO_ROLLBACK'
  /**
   * A commit failed half-way: only the file can tell which version it holds now.
   * @remedy Close the array and open it again: it is the old version or the new one.
   */
  | 'ERR_VGPU_ARRAY_FAILED'
  /**
   * The array was closed.
   * @remedy Keep it open for as long as it is used.
   */
  | 'ERR_VGPU_ARRAY_CLOSED'
  /**
   * The version that an iteration was reading is gone, or the file is no longer the one that its path
   * names.
   * @remedy Open the array again, and begin the iteration anew.
   */
  | 'ERR_VGPU_ARRAY_CHANGED'
  /**
   * The payload does not match its checksum.
   * @remedy Restore the file from a backup, or accept its values with `vgpu file repair --accept-damaged`.
   */
  | 'ERR_VGPU_ARRAY_DAMAGED'
  /**
   * No ArrayBuffer can hold the view.
   * @remedy Go through the array with `blocks()` or `elements()`.
   */
  | 'ERR_VGPU_ARRAY_TOO_LARGE_VIEW'
  /**
   * The structure or the view does not allow it.
   * @remedy Convert the array first: `vgpu file convert`.
   */
  | 'ERR_VGPU_ARRAY_STRUCTURE'
  /**
   * A .npy array with other than one or two dimensions.
   * @remedy Reshape it in NumPy to one or two dimensions.
   */
  | 'ERR_VGPU_ARRAY_SHAPE'
  /**
   * The target exists, and replacing it was not asked for.
   * @remedy Choose another name, or set `replace`.
   */
  | 'ERR_VGPU_ARRAY_EXISTS'
  /**
   * The repair asked for does not apply to the file.
   * @remedy Ask `diagnose()`, or `vgpu file repair --dry-run`, which repairs do.
   */
  | 'ERR_VGPU_ARRAY_NO_REPAIR'
  /**
   * The caller's AbortSignal. Nothing was changed.
   * @remedy Call it again without aborting it.
   */
  | 'ERR_VGPU_ARRAY_ABORTED'
  /**
   * The machine cannot do it.
   * @remedy Use a little-endian machine.
   */
  | 'ERR_VGPU_ARRAY_UNSUPPORTED';

// Shared by the ESM and the CommonJS build, which may both be loaded in one process.
const brand = Symbol.for('@vgpu/array/ArrayError');

/** Every error that @vgpu/array itself throws. `code` is stable; `values` holds what the message names. */
export class ArrayError extends Error {
  override readonly name = 'ArrayError';
  readonly [brand] = true;
  readonly code: ArrayErrorCode;
  readonly values: Readonly<Record<string, ErrorValue>>;
  /** One sentence: what the user can do about it. */
  readonly remedy: string | undefined;

  constructor(
    code: ArrayErrorCode,
    message: string,
    options: { values?: Readonly<Record<string, ErrorValue>>; remedy?: string; cause?: unknown } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.values = options.values ?? {};
    this.remedy = options.remedy;
  }
}

/** True for an error of this package, whichever copy of it threw. */
export function isArrayError(error: unknown): error is ArrayError {
  return error instanceof Error && brand in error;
}

/** @throws ArrayError ERR_VGPU_ARRAY_ABORTED with the signal's reason as cause */
export function checkAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted !== true) return;
  throw new ArrayError('ERR_VGPU_ARRAY_ABORTED', 'aborted by the caller', { cause: signal.reason });
}

/** Runs a call of @vgpu/mmap-native that takes a signal, so that aborting it gives the same error everywhere. */
export async function abortable<T>(call: () => Promise<T>): Promise<T> {
  try {
    return await call();
  } catch (error) {
    if (!isMmapError(error) || error.code !== 'ERR_VGPU_MMAP_ABORTED') throw error;
    throw new ArrayError('ERR_VGPU_ARRAY_ABORTED', 'aborted by the caller', { cause: error.cause });
  }
}

/** @throws ArrayError ERR_VGPU_ARRAY_RANGE unless `index` is a whole number from 0 to `size` − 1 */
export function checkIndex(what: string, index: number, size: number): void {
  if (Number.isSafeInteger(index) && index >= 0 && index < size) return;
  throw new ArrayError('ERR_VGPU_ARRAY_RANGE', `there is no ${what} ${index} of ${size}`, {
    values: { [what]: index, size },
  });
}

/** A file that somebody made shorter while it was open, or that the disk cannot read. */
export function cutOff(path: string, cause?: unknown): MmapError {
  return new MmapError(
    /**
     * The file turned out shorter than its mapping, or unreadable: bytes were replaced by zeros.
     * @remedy Find out who shortened the file, or whether the disk fails, and open it again.
     */
    'ERR_VGPU_MMAP_FAULTED',
    `${path} was cut off or became unreadable while it was open`,
    { values: { path }, cause },
  );
}
