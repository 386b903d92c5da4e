// What the machine brings along.
import { readFileSync } from 'node:fs';
import { availableParallelism, totalmem } from 'node:os';
import { z } from 'zod';
import { formatBytes } from '../output/bytes.js';
import { type Check, ok, problem, skipped, warning } from './check.js';

const MINIMUM_GLIBC = [2, 17] as const;

/** The part of Node's diagnostic report that is read here. */
const report = z.object({ header: z.object({ glibcVersionRuntime: z.string().optional() }) });

export function checkNode(): Check {
  return ok('node', `${process.version}, ${process.platform} ${process.arch}`);
}

export function checkLibc(): Check {
  const { header } = report.parse(process.report.getReport());
  const version = header.glibcVersionRuntime;
  if (version === undefined) {
    return problem('libc', 'the C library is not glibc', 'run vgpu on a distribution with glibc');
  }
  const [major = 0, minor = 0] = version.split('.').map(Number);
  const isOld = major < MINIMUM_GLIBC[0] || (major === MINIMUM_GLIBC[0] && minor < MINIMUM_GLIBC[1]);
  if (isOld)
    return problem('libc', `glibc ${version}`, `glibc ${MINIMUM_GLIBC.join('.')} or newer is needed`);
  return ok('libc', `glibc ${version}`);
}

const VECTOR_SETS = ['avx512f', 'avx2'] as const;

/** The software GPU's speed depends on it. */
export function checkProcessor(cpuInfo = readFileSync('/proc/cpuinfo', 'utf8')): Check {
  const flags = new Set(/^flags\s*:(.*)$/m.exec(cpuInfo)?.[1]?.trim().split(' '));
  const best = VECTOR_SETS.find((set) => flags.has(set));
  const evidence = `${availableParallelism()} cores, ${formatBytes(totalmem())} of memory`;
  if (best) return ok('processor', `${evidence}, ${best}`);
  return warning(
    'processor',
    `${evidence}, neither AVX2 nor AVX-512`,
    'the software GPU works, several times slower: let the virtual machine have the processor’s own instruction set',
  );
}

const PRELOAD_FILE = '/etc/ld.so.preload';

export function checkSystemPreload(path = PRELOAD_FILE): Check {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return ok('system-preload', `no ${path}`);
    throw error;
  }
  const entries = text.split(/[\s:]+/).filter((entry) => entry !== '');
  if (entries.length === 0) return ok('system-preload', `${path} is empty`);
  const ours = entries.filter((entry) => entry.includes('vgpu'));
  if (ours.length === 0) return ok('system-preload', `${path}: ${entries.join(', ')}`);
  return warning(
    'system-preload',
    `${path} loads ${ours.join(', ')} into every process`,
    'intended for the whole machine? otherwise take the line out of the file',
  );
}

const CUDA_LIBRARY = /lib(?:cuda|cudart|cublas|cublasLt|nvidia-ml)\.so/;

/** Libraries that a user's own settings put in front of ours. */
export function checkEnvironment(environment: NodeJS.ProcessEnv = process.env): Check {
  const preload = environment.LD_PRELOAD ?? '';
  if (CUDA_LIBRARY.test(preload)) {
    return warning('environment', `LD_PRELOAD is ${preload}`, 'unset it: only one CUDA can come first');
  }
  const set = ['LD_PRELOAD', 'LD_LIBRARY_PATH', 'CUDA_VISIBLE_DEVICES', 'VGPU_EXECUTOR', 'VGPU_LOG'].filter(
    (name) => environment[name],
  );
  if (set.length === 0) return skipped('environment', 'no variable that matters is set');
  return ok('environment', set.map((name) => `${name}=${environment[name] ?? ''}`).join(' '));
}
