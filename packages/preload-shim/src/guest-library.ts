import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { GuestError } from './errors.js';

export interface GuestLibrary {
  /** Absolute path of libvgpu_cuda.so, for LD_PRELOAD. */
  readonly library: string;
  /** Absolute path of the folder that offers it as libcuda.so.1, libcudart.so.13 …, for LD_LIBRARY_PATH. */
  readonly directory: string;
}

// From src/ and from dist/ alike.
const native = fileURLToPath(new URL('../build/native', import.meta.url));

/** @throws GuestError ERR_VGPU_GUEST_MISSING, naming what is not there. */
export function guestLibrary(): GuestLibrary {
  const library = join(native, 'lib/libvgpu_cuda.so');
  const directory = join(native, 'lib/names');
  requireFiles('guest library', [library, join(directory, 'libcuda.so.1')]);
  return { library, directory };
}

/**
 * The library that stands in the guest library's place for `vgpu trace`: it writes each call of the program as a line of
 * JSON to the file that `VGPU_TRACE_FILE` names, and hands the call on to the guest library beside it.
 * @throws GuestError ERR_VGPU_GUEST_MISSING
 */
export function tracingLibrary(): GuestLibrary {
  const library = join(native, 'lib/libvgpu_trace.so');
  const directory = join(native, 'lib/trace-names');
  requireFiles('tracing library', [library, guestLibrary().library, join(directory, 'libcuda.so.1')]);
  return { library, directory };
}

/**
 * The path of a program that runs one kernel through the guest library, ends with 0 when its result is right, and else
 * says on stderr what failed.
 * @throws GuestError ERR_VGPU_GUEST_MISSING
 */
export function selfTestProgram(): string {
  const program = join(native, 'bin/vgpu-self-test');
  requireFiles('self-test', [program]);
  return program;
}

/**
 * The path of a program that says what the library makes of a process: `--pid N` or `--program PATH`, one JSON object on
 * stdout.
 * @throws GuestError ERR_VGPU_GUEST_MISSING
 */
export function shimExplainProgram(): string {
  const program = join(native, 'bin/vgpu-shim-explain');
  requireFiles('vgpu-shim-explain', [program]);
  return program;
}

/**
 * The path of the statically linked program that undoes an installation of the guest library for a whole system.
 * @throws GuestError ERR_VGPU_GUEST_MISSING
 */
export function recoveryProgram(): string {
  const program = join(native, 'bin/vgpu-shim-recover');
  requireFiles('recovery program', [program]);
  return program;
}

function requireFiles(what: string, paths: readonly string[]): void {
  const missing = paths.filter((path) => !existsSync(path));
  if (missing.length === 0) return;
  throw new GuestError('ERR_VGPU_GUEST_MISSING', `there is no ${what}: missing ${missing.join(', ')}`, {
    remedy: 'build it: pnpm build',
  });
}
