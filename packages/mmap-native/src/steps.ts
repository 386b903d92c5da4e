// Most calls of this package exist twice, blocking and not. Each is written once, as a generator that yields the
// system calls to make; run() makes them at once, runAsync() on libuv's thread pool.
import { MmapError, type MmapErrorCode } from './errors.js';
import type { NativeError } from './native.js';

/** A call that returns its result, or a promise of it when `async`. */
type Call<T> = (async: boolean) => T | Promise<T>;

export type Steps<T> = Generator<Call<unknown>, T, unknown>;

export function* step<T>(call: Call<T>): Steps<T> {
  // Both run() and runAsync() hand back what the call returned.
  return (yield call) as T;
}

export function run<T>(steps: Steps<T>): T {
  let state = steps.next();
  while (!state.done) {
    let result: unknown;
    try {
      result = state.value(false);
    } catch (error) {
      state = steps.throw(translate(error));
      continue;
    }
    state = steps.next(result);
  }
  return state.value;
}

/** Between two steps the signal may end the work: the generator's own `finally` and `catch` then clean up. */
export async function runAsync<T>(steps: Steps<T>, signal?: AbortSignal): Promise<T> {
  let cleaning = false;
  let state = steps.next();
  while (!state.done) {
    let result: unknown;
    try {
      // Cleaning up is not aborted, whatever it was that failed.
      if (signal?.aborted && !cleaning) {
        throw new MmapError('ERR_VGPU_MMAP_ABORTED', 'the operation was aborted', { cause: signal.reason });
      }
      result = await state.value(true);
    } catch (error) {
      // The work may go on after an error that it expected, such as a missing file.
      if (signal?.aborted) cleaning = true;
      state = steps.throw(translate(error));
      continue;
    }
    state = steps.next(result);
  }
  return state.value;
}

/** Makes one quick call, with the errors of this package. */
export function attempt<T>(call: () => T): T {
  try {
    return call();
  } catch (error) {
    throw translate(error);
  }
}

const codes: Record<NativeError['kind'], MmapErrorCode> = {
  exists: 'ERR_VGPU_MMAP_EXISTS',
  notFound: 'ERR_VGPU_MMAP_NOT_FOUND',
  access: 'ERR_VGPU_MMAP_ACCESS',
  noSpace: 'ERR_VGPU_MMAP_NO_SPACE',
  locked: 'ERR_VGPU_MMAP_LOCKED',
  unsupported: 'ERR_VGPU_MMAP_UNSUPPORTED',
  io: 'ERR_VGPU_MMAP_IO',
};

function isNativeError(error: unknown): error is NativeError {
  return error instanceof Error && 'kind' in error && 'errorName' in error;
}

/** The addon's errors become ours; all others, such as those of a callback, stay. */
function translate(error: unknown): unknown {
  if (!isNativeError(error)) return error;
  return new MmapError(codes[error.kind], error.message, {
    values: { syscall: error.call, errno: error.errorName, ...(error.path && { path: error.path }) },
    cause: error,
  });
}
