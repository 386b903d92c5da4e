import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { accessSync, constants, existsSync, mkdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { homedir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { DemoError } from './errors.js';

/** `cu`: the runtime-API version, built with nvcc. `ptx`: the driver-API version in C, which loads PTX text. */
export type ProgramKind = 'cu' | 'ptx';

export interface Program {
  kind: ProgramKind;
  /** The command and the arguments that come before those of the data. */
  command: readonly [string, ...string[]];
  compiler: string;
  /** Zero when an earlier run has built it. */
  buildMilliseconds: number;
}

interface Recipe {
  kind: ProgramKind;
  compiler: string;
  /** Everything that the result depends on. */
  sources: readonly string[];
  flags: readonly string[];
  libraries: readonly string[];
}

const CU_SOURCES = ['kmeans.cu', 'kmeans_kernels.cu', 'kmeans_host.h'] as const;
const PTX_SOURCES = ['kmeans_driver.c', 'kmeans_host.h'] as const;

/** The folder of the example's sources. */
export function findSources(): string {
  // Above src/demo/ and dist/ alike: in the package where it was installed, else in the repository.
  for (
    let folder = dirname(fileURLToPath(import.meta.url));
    folder !== dirname(folder);
    folder = dirname(folder)
  ) {
    const candidate = join(folder, 'examples', 'cuda');
    if (existsSync(join(candidate, 'kmeans.ptx'))) return candidate;
  }
  throw new DemoError('ERR_VGPU_DEMO_NO_SOURCES', 'the sources of the demo (examples/cuda) are not here', {
    remedy: 'install @vgpu/cli anew: its archive has them',
  });
}

/**
 * Builds the example: with nvcc where it is installed, else with a C compiler. `wanted` insists on one of them.
 * `warn` hears of an nvcc that is there and does not work.
 */
export async function buildProgram(
  sources: string,
  wanted: ProgramKind | undefined,
  warn: (message: string) => void,
): Promise<Program> {
  const nvcc = wanted === 'ptx' ? undefined : findNvcc();
  if (wanted === 'cu' && !nvcc) throw noCompiler('nvcc is not installed');
  if (nvcc) {
    try {
      return await build(sources, cuRecipe(nvcc));
    } catch (error) {
      if (wanted === 'cu' || !(error instanceof DemoError)) throw error;
      warn(`${error.message}; taking the version from PTX text instead`);
    }
  }
  const compiler = [process.env.CC ?? 'cc', 'gcc', 'clang'].map(findCommand).find(Boolean);
  if (!compiler) throw noCompiler('neither nvcc nor a C compiler is installed');
  return build(sources, ptxRecipe(compiler));
}

function cuRecipe(compiler: string): Recipe {
  const flags = ['-O2', '-cudart', 'shared', '-gencode', 'arch=compute_75,code=compute_75'];
  return { kind: 'cu', compiler, sources: CU_SOURCES, flags, libraries: [] };
}

function ptxRecipe(compiler: string): Recipe {
  return { kind: 'ptx', compiler, sources: PTX_SOURCES, flags: ['-std=gnu11', '-O2'], libraries: ['-ldl'] };
}

async function build(sources: string, recipe: Recipe): Promise<Program> {
  const output = join(cacheFolder(), `${await recipeHash(sources, recipe)}-${recipe.kind}`);
  const command: [string, ...string[]] =
    recipe.kind === 'cu' ? [output] : [output, join(sources, 'kmeans.ptx')];
  const { kind, compiler } = recipe;
  if (existsSync(output)) return { kind, command, compiler, buildMilliseconds: 0 };

  const start = performance.now();
  const partial = `${output}.${process.pid}`;
  const main = join(sources, recipe.sources[0] as string);
  try {
    await promisify(execFile)(compiler, [...recipe.flags, '-o', partial, main, ...recipe.libraries]);
    renameSync(partial, output);
  } catch (cause) {
    rmSync(partial, { force: true });
    throw new DemoError('ERR_VGPU_DEMO_NOT_BUILT', `${compiler} does not build ${main}`, { cause });
  }
  return { kind, command, compiler, buildMilliseconds: performance.now() - start };
}

async function recipeHash(sources: string, recipe: Recipe): Promise<string> {
  const hash = createHash('sha256');
  const { stdout } = await promisify(execFile)(recipe.compiler, ['--version']);
  hash.update(JSON.stringify([recipe, stdout]));
  for (const source of recipe.sources) hash.update(readFileSync(join(sources, source)));
  return hash.digest('hex').slice(0, 16);
}

function cacheFolder(): string {
  const folder = join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'vgpu', 'demo');
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  return folder;
}

function findNvcc(): string | undefined {
  const home = process.env.CUDA_HOME ?? process.env.CUDA_PATH ?? '/usr/local/cuda';
  return findCommand('nvcc') ?? findCommand(join(home, 'bin', 'nvcc'));
}

function findCommand(name: string): string | undefined {
  const candidates = name.includes('/')
    ? [name]
    : (process.env.PATH ?? '').split(delimiter).map((folder) => join(folder || '.', name));
  return candidates.find((path) => {
    try {
      accessSync(path, constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

function noCompiler(message: string): DemoError {
  return new DemoError('ERR_VGPU_DEMO_NO_COMPILER', message, {
    remedy: 'install a C compiler (Debian: sudo apt-get install build-essential)',
  });
}
