import { findFile } from '@vgpu/native-loader';
import { GuestError } from './errors.js';
import { namesFolder } from './names-folder.js';

export interface GuestLibrary {
  /** Absolute path of libvgpu_cuda.so, for LD_PRELOAD. */
  readonly library: string;
  /** Absolute path of the folder that offers it as libcuda.so.1, libcudart.so.13 …, for LD_LIBRARY_PATH. */
  readonly directory: string;
}

/**
 * The first call after an installation makes the folder of names, beside the library or in the user's cache.
 * @throws GuestError ERR_VGPU_GUEST_MISSING, naming what was tried; ERR_VGPU_GUEST_NAMES where no folder can be made.
 */
export function guestLibrary(): GuestLibrary {
  const library = find('lib/libvgpu_cuda.so', 'read');
  return { library, directory: namesFolder(library, 'names') };
}

/**
 * The library that stands in the guest library's place for `vgpu trace`: it writes each call of the program as a line of
 * JSON to the file that `VGPU_TRACE_FILE` names, and hands the call on to the guest library beside it.
 * @throws GuestError as guestLibrary
 */
export function tracingLibrary(): GuestLibrary {
  const library = find('lib/libvgpu_trace.so', 'read');
  return { library, directory: namesFolder(library, 'trace-names') };
}

/**
 * The path of a program that runs one kernel through the guest library, ends with 0 when its result is right, and else
 * says on stderr what failed.
 * @throws GuestError ERR_VGPU_GUEST_MISSING
 */
export function selfTestProgram(): string {
  return find('bin/vgpu-self-test', 'execute');
}

/**
 * The path of a program that says what the library makes of a process: `--pid N` or `--program PATH`, one JSON object on
 * stdout.
 * @throws GuestError ERR_VGPU_GUEST_MISSING
 */
export function shimExplainProgram(): string {
  return find('bin/vgpu-shim-explain', 'execute');
}

/**
 * The path of the statically linked program that undoes an installation of the guest library for a whole system.
 * @throws GuestError ERR_VGPU_GUEST_MISSING
 */
export function recoveryProgram(): string {
  return find('bin/vgpu-shim-recover', 'execute');
}

function find(file: string, mode: 'read' | 'execute'): string {
  const found = findFile({ package: '@vgpu/preload-shim', from: import.meta.url, file }, mode);
  if ('value' in found) return found.value;
  const { message, remedy, causes } = found.problem;
  throw new GuestError('ERR_VGPU_GUEST_MISSING', message, { remedy, cause: causes[0] });
}
