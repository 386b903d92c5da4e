// Builds a sample as `nvcc -cudart shared` does, from a copy of its folder: samples write files beside themselves.
import { cpSync, existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { command } from './command.js';
import type { Sample } from './sample.js';

const FLAGS = [
  ...['-O2', '-std=c++17', '-cudart', 'shared', '--extended-lambda'],
  ...['-gencode', 'arch=compute_80,code=compute_80', '-Wno-deprecated-gpu-targets'],
];
const BUILD_TIMEOUT_MS = 600_000;

/** What nvcc is told to link, by the name that CMake has for it; other libraries are not there. */
const LINKED: Readonly<Record<string, readonly string[]>> = {
  'CUDA::cuda_driver': ['-lcuda'],
  'CUDA::cudart': [],
  'Threads::Threads': ['-lpthread'],
  'OpenMP::OpenMP_CXX': ['-Xcompiler', '-fopenmp', '-lgomp'],
};

export type Built =
  | { readonly program: string; readonly folder: string }
  | { readonly why: string; readonly folder: string };

/** The compiler's first complaint, without the path in front of it. */
function complaint(output: string): string {
  const line =
    /^.*(?:error|fatal error|undefined reference|cannot find)[ :].*$/m.exec(output)?.[0] ??
    output.trim().split('\n')[0] ??
    '';
  return line.replace(/^.*?((?:fatal )?error\b)/, '$1').trim();
}

/** `driverFolder` has a libcuda.so to link with. Keeps what is built, in `output`/<name>, for the next time. */
export async function build(
  sample: Sample,
  samples: string,
  output: string,
  nvcc: string,
  driverFolder: string,
): Promise<Built> {
  const folder = join(output, sample.name);
  const program = join(folder, sample.name);
  if (existsSync(program)) return { program, folder };
  if (sample.sources.length === 0) return { why: 'its CMakeLists.txt names no source', folder };
  mkdirSync(output, { recursive: true });
  cpSync(sample.folder, folder, { recursive: true });
  const include = ['-I', join(samples, 'Common'), '-I', join(samples, 'Common', 'UtilNPP')];
  const steps = sample.modules.map(({ source, output: file, flag }) => [
    ...FLAGS,
    ...include,
    flag,
    '-o',
    file,
    source,
  ]);
  const libraries = sample.libraries.flatMap((name) => LINKED[name] ?? []);
  // The program last: where it is, everything is.
  const sources = sample.sources.map((source) =>
    source.startsWith('..') ? join(sample.folder, source) : source,
  );
  steps.push([...FLAGS, ...include, '-L', driverFolder, '-o', sample.name, ...sources, ...libraries]);
  for (const step of steps) {
    const { code, text } = await command(nvcc, step, { cwd: folder, timeoutMs: BUILD_TIMEOUT_MS });
    if (code !== 0) return { why: complaint(text), folder };
  }
  return { program, folder };
}
