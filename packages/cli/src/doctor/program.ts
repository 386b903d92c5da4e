// Whether a program will find its GPU: what it is, which CUDA libraries it takes, and whether ours has what it wants.
import { readFileSync } from 'node:fs';
import { guestLibrary } from '@vgpu/preload-shim';
import { calls } from '@vgpu/protocol';
import { findProgramToLookAt, preloadObstacle } from '../run/program.js';
import { type Check, ok, problem, skipped, warning } from './check.js';
import { type ElfFile, isElf, readElf } from './elf.js';
import { deviceCode } from './fat-binary.js';

const CUDA_LIBRARY = /^lib(?:cuda|cudart|cublas|cublasLt|nvidia-ml)\.so\.\d+$/;
const CUDA_FUNCTION = /^(?:cu[A-Z]|cuda[A-Z]|cublas[A-Z]|nvml[A-Z]|__cuda)/;

/** Libraries are looked at like programs. */
export function checkProgram(name: string): Check[] {
  const path = findProgramToLookAt(name);
  const bytes = readFileSync(path);
  if (!isElf(bytes)) {
    return [skipped('program', `${path} is not a 64-bit ELF file: the program that it starts matters`)];
  }
  const elf = readElf(path, bytes);
  const checks = [checkLoader(path), checkRuntime(path, elf)];
  if (elf.needed.some((library) => CUDA_LIBRARY.test(library))) checks.push(checkFunctions(elf));
  if (elf.fatBinary) checks.push(checkDeviceCode(elf.fatBinary));
  return checks;
}

function checkLoader(path: string): Check {
  const obstacle = preloadObstacle(path);
  if (!obstacle) return ok('program', `${path} can be given the guest library`);
  return problem(
    'program',
    `${path} cannot be given the guest library: ${obstacle}`,
    'link it dynamically, run it without setuid',
  );
}

function checkRuntime(path: string, { needed, imports, fatBinary }: ElfFile): Check {
  const libraries = needed.filter((library) => CUDA_LIBRARY.test(library));
  // What nvcc compiled calls this function, so without an import it is inside.
  if (fatBinary && !imports.some(({ name }) => name === '__cudaRegisterFatBinary')) {
    return problem(
      'program-runtime',
      `${path} contains NVIDIA's runtime, which accepts no driver but NVIDIA's`,
      'link it with nvcc -cudart shared',
    );
  }
  if (libraries.length > 0) return ok('program-runtime', `needs ${libraries.join(', ')}`);
  return skipped('program-runtime', 'no CUDA library is linked; it may open one while it runs');
}

function checkFunctions({ imports }: ElfFile): Check {
  const { library } = guestLibrary();
  const offered = readElf(library, readFileSync(library)).exports;
  const names = new Set(offered.map(({ name }) => name));
  const versioned = new Set(offered.map(({ name, version }) => `${name}@${version ?? ''}`));
  const wanted = imports.filter(({ name }) => CUDA_FUNCTION.test(name));
  const missing = wanted.filter(
    ({ name, version }) => !(version ? versioned.has(`${name}@${version}`) : names.has(name)),
  );
  if (missing.length > 0) {
    const list = missing.map(({ name, version }) => (version ? `${name} (${version})` : name));
    return problem(
      'program-functions',
      `vgpu has no ${list.join(', ')}`,
      'the program will not start; docs/coverage.md lists what there is',
    );
  }
  const notSupported = new Set(
    calls.filter(({ kind }) => kind === 'refused').map((call) => call.prototype.name),
  );
  const refused = wanted.filter(({ name }) => notSupported.has(name)).map(({ name }) => name);
  if (refused.length > 0) {
    return warning(
      'program-functions',
      `answered with "not supported": ${refused.join(', ')}`,
      'the program works unless it depends on these',
    );
  }
  return ok('program-functions', `all ${wanted.length} CUDA functions that it takes are there`);
}

function checkDeviceCode(fatBinary: Buffer): Check {
  const codes = deviceCode(fatBinary);
  const kinds = (['ptx', 'machine code'] as const).flatMap((kind) => {
    const architectures = codes.filter((code) => code.kind === kind).map(({ architecture }) => architecture);
    const distinct = [...new Set(architectures)].sort((a, b) => a - b);
    return distinct.length === 0 ? [] : [`${kind} for ${distinct.join(', ')}`];
  });
  const evidence = kinds.join('; ') || 'no device code';
  if (codes.some(({ kind, architecture }) => kind === 'ptx' && architecture <= SOFTWARE_GPU_ARCHITECTURE)) {
    return ok('program-device-code', evidence);
  }
  return warning(
    'program-device-code',
    `${evidence}: nothing that the software GPU can run`,
    `compile it with -gencode arch=compute_${SOFTWARE_GPU_ARCHITECTURE},code=compute_${SOFTWARE_GPU_ARCHITECTURE}, or use a real GPU`,
  );
}

/** Compute capability 8.0: newer PTX is for newer devices. */
const SOFTWARE_GPU_ARCHITECTURE = 80;
