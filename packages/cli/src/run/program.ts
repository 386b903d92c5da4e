import { accessSync, closeSync, constants, openSync, readSync, statSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { CliError, EXIT_NOT_EXECUTABLE, EXIT_NOT_FOUND } from '../errors.js';

/** The same for commands that do not run it: `doctor --program` and `shim explain` exit with 1, as for all errors. */
export function findProgramToLookAt(name: string): string {
  try {
    return findProgram(name);
  } catch (error) {
    if (!(error instanceof CliError)) throw error;
    const { code, message, remedy } = error;
    throw new CliError(code, message, remedy === undefined ? {} : { remedy });
  }
}

/**
 * Finds the program as a shell would. Done before anything is started, so that a misspelt name costs nothing.
 */
export function findProgram(name: string, searchPath = process.env.PATH ?? ''): string {
  // An empty element of PATH means the current folder.
  const candidates = name.includes('/')
    ? [name]
    : searchPath.split(delimiter).map((folder) => join(folder || '.', name));
  let present: string | undefined;
  for (const candidate of candidates) {
    if (!isFile(candidate)) continue;
    if (isExecutable(candidate)) return candidate;
    present ??= candidate;
  }
  if (present) throw notExecutable(present);
  if (name.includes('/') && isFolder(name)) {
    throw new CliError('ERR_VGPU_PROGRAM_NOT_EXECUTABLE', `${name} is a folder`, {
      remedy: 'name a program in it',
      exitCode: EXIT_NOT_EXECUTABLE,
    });
  }
  throw new CliError('ERR_VGPU_PROGRAM_NOT_FOUND', `program not found: ${name || '""'}`, {
    remedy: name.includes('/') ? 'check the path' : 'give its path (./program), or put its folder into PATH',
    exitCode: EXIT_NOT_FOUND,
  });
}

/** Turns the error of a failed `spawn` into what a shell would have said. */
export function spawnError(program: string, cause: NodeJS.ErrnoException): CliError {
  if (cause.code === 'EACCES') return notExecutable(program);
  if (cause.code === 'ENOENT') {
    // The file itself was there a moment ago: it is what the file asks for that is missing.
    return new CliError('ERR_VGPU_PROGRAM_NOT_FOUND', `the interpreter or loader of ${program} is missing`, {
      remedy: 'look at the first line of the script, or at the output of `file`',
      exitCode: EXIT_NOT_FOUND,
    });
  }
  return new CliError('ERR_VGPU_PROGRAM_NOT_STARTED', `cannot start ${program}`, {
    cause,
    exitCode: EXIT_NOT_EXECUTABLE,
  });
}

/**
 * Why the dynamic loader will not put our library into this program, or undefined. Such a program runs as it
 * would have without vgpu, which is hard to notice: hence a warning rather than an error.
 */
export function preloadObstacle(path: string): string | undefined {
  const { mode, uid, gid } = statSync(path);
  // Without a change of identity the bits mean nothing, to the kernel and to the loader.
  const changesUser = mode & SET_USER_ID && uid !== process.geteuid?.();
  const changesGroup = mode & SET_GROUP_ID && gid !== process.getegid?.();
  if (changesUser || changesGroup) return 'it is setuid or setgid, so the loader ignores LD_PRELOAD';
  return elfObstacle(path);
}

const SET_USER_ID = 0o4000;
const SET_GROUP_ID = 0o2000;

const ELF_MAGIC = 0x7f454c46;
const ELF_CLASS_64 = 2;
const PROGRAM_HEADER_INTERPRETER = 3;

const LOADER_BYTES = 256;
/** Unlike the others such a program would not even start: its loader takes the library, and fails. */
const MUSL_OBSTACLE = 'its C library is musl, whose loader cannot take a library for glibc';

export function refusesToStartWithLibrary(path: string): boolean {
  return elfObstacle(path) === MUSL_OBSTACLE;
}

/** The same, apart from its rights. */
export function elfObstacle(path: string): string | undefined {
  let file: number;
  try {
    file = openSync(path, 'r');
  } catch {
    // Executable but not readable: nothing to say about it.
    return undefined;
  }
  try {
    const header = readAt(file, 0, 64);
    if (header.length < 64 || header.readUInt32BE(0) !== ELF_MAGIC) return undefined;
    if (header[4] !== ELF_CLASS_64) return 'it is a 32-bit program';
    const entrySize = header.readUInt16LE(54);
    const entries = readAt(file, Number(header.readBigUInt64LE(32)), entrySize * header.readUInt16LE(56));
    for (let offset = 0; offset + 4 <= entries.length && entrySize > 0; offset += entrySize) {
      if (entries.readUInt32LE(offset) !== PROGRAM_HEADER_INTERPRETER) continue;
      const start = Number(entries.readBigUInt64LE(offset + 8));
      const loader = readAt(file, start, LOADER_BYTES).toString('latin1');
      return /^[^\0]*\/ld-musl-/.test(loader) ? MUSL_OBSTACLE : undefined;
    }
    return 'it is statically linked, so there is no loader to add a library';
  } finally {
    closeSync(file);
  }
}

function readAt(file: number, position: number, length: number): Buffer {
  const buffer = Buffer.alloc(length);
  return buffer.subarray(0, readSync(file, buffer, 0, length, position));
}

function notExecutable(path: string): CliError {
  return new CliError('ERR_VGPU_PROGRAM_NOT_EXECUTABLE', `${path} is not executable`, {
    remedy: `chmod +x ${path}`,
    exitCode: EXIT_NOT_EXECUTABLE,
  });
}

function isFile(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isFile() ?? false;
}

function isFolder(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
