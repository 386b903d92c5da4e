import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync } from 'node:fs';
import { basename, extname, join } from 'node:path';
import { promisify } from 'node:util';
import { findNvcc } from '@vgpu/toolchain/cuda';

export const SOURCES = join(import.meta.dirname, 'programs');
/** Programs with planted mistakes, as Builder.build() takes them. */
export const PLANTED = '../planted/';
const OUTPUT = join(import.meta.dirname, '..', 'build', 'programs');
const PARALLEL_BUILDS = 2;

/** Programs of more than one source; their other sources are no programs. */
const FURTHER_SOURCES: Record<string, string[]> = { 'modules.cu': ['modules_other.cu'] };
const NOT_PROGRAMS = ['driver_kernels.cu', ...Object.values(FURTHER_SOURCES).flat()];

/** What nvcc is told for one program alone. */
const FURTHER_FLAGS: Record<string, string[]> = {
  'per_thread_streams.cu': ['--default-stream', 'per-thread'],
};
/** The memory checker shall name their lines. */
const PLANTED_FLAGS = ['-lineinfo'];

interface Compiler {
  command: string;
  flags: readonly string[];
  libraries: readonly string[];
}

const C_COMPILER: Compiler = {
  command: process.env.CC ?? 'cc',
  flags: ['-std=c11', '-D_GNU_SOURCE', '-O2', '-Wall', '-Wextra', '-Werror'],
  libraries: ['-ldl', '-lm'],
};

const NVCC_FLAGS = [
  ...['-O2', '-cudart', 'shared', '-gencode', 'arch=compute_75,code=compute_75'],
  ...['-Werror', 'all-warnings', '-Xcompiler', '-Wall,-Wextra'],
];

/** The programs in test/programs by name, in the order of their names. */
export function programs(extension: '.cu' | '.c'): string[] {
  return readdirSync(SOURCES)
    .filter((file) => extname(file) === extension && !NOT_PROGRAMS.includes(file))
    .map((file) => basename(file, extension))
    .sort();
}

/**
 * Builds programs as they are asked for, at most two at a time. What has been built stays under build/, by the
 * content of everything that went into it.
 */
export class Builder {
  readonly nvcc = findNvcc();
  readonly #versions = new Map<string, Promise<string>>();
  readonly #built = new Map<string, Promise<string>>();
  #running = 0;
  readonly #waiting: (() => void)[] = [];

  /** The path of the executable made of `file`. */
  build(file: string): Promise<string> {
    const building = this.#built.get(file) ?? this.#build(file);
    this.#built.set(file, building);
    return building;
  }

  async #build(file: string): Promise<string> {
    const compiler = this.#compiler(file);
    const output = join(OUTPUT, `${basename(file, extname(file))}-${await this.#hash(file, compiler)}`);
    if (existsSync(output)) return output;
    mkdirSync(OUTPUT, { recursive: true });
    const partial = `${output}.${process.pid}`;
    const sources = [file, ...(FURTHER_SOURCES[file] ?? [])].map((source) => join(SOURCES, source));
    await this.#inTurn(() =>
      promisify(execFile)(compiler.command, [
        ...compiler.flags,
        '-o',
        partial,
        ...sources,
        ...compiler.libraries,
      ]),
    );
    renameSync(partial, output);
    return output;
  }

  #compiler(file: string): Compiler {
    if (extname(file) === '.c') return C_COMPILER;
    if (!this.nvcc) throw new Error(`nvcc is not installed: ${file} cannot be built`);
    const further = file.startsWith(PLANTED) ? PLANTED_FLAGS : (FURTHER_FLAGS[file] ?? []);
    return { command: this.nvcc, flags: [...NVCC_FLAGS, ...further], libraries: [] };
  }

  async #hash(file: string, compiler: Compiler): Promise<string> {
    const version =
      this.#versions.get(compiler.command) ??
      promisify(execFile)(compiler.command, ['--version']).then(({ stdout }) => stdout);
    this.#versions.set(compiler.command, version);
    const hash = createHash('sha256').update(JSON.stringify([compiler, await version]));
    for (const source of [
      file,
      ...(FURTHER_SOURCES[file] ?? []),
      'check.h',
      'captured_stream.h',
      'driver_entry.h',
      'driver.h',
      'cublas.h',
      `${PLANTED}planted.h`,
    ]) {
      hash.update(readFileSync(join(SOURCES, source)));
    }
    return hash.digest('hex').slice(0, 16);
  }

  async #inTurn<T>(work: () => Promise<T>): Promise<T> {
    if (this.#running >= PARALLEL_BUILDS) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    else this.#running += 1;
    try {
      return await work();
    } finally {
      const next = this.#waiting.shift();
      if (next) next();
      else this.#running -= 1;
    }
  }
}
