// The list of CUDA's functions against the headers, where a toolkit is installed; and the matrix against the table.
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { headerFunctions } from '../src/abi/header-functions.js';
import { programFunctions } from '../src/abi/program-functions.js';
import { coverage, coverageOf } from '../src/generate/coverage.js';

const include = [process.env.CUDA_HOME, process.env.CUDA_PATH, '/usr/local/cuda', '/usr/local/cuda-13.0']
  .filter((folder) => folder !== undefined)
  .map((folder) => join(folder, 'include'))
  .find((folder) => existsSync(join(folder, 'cuda.h')));

function preprocess(...flags: string[]): string {
  return execFileSync('gcc', ['-E', '-P', '-x', 'c', ...flags, '/dev/null'], {
    encoding: 'utf8',
    maxBuffer: 1 << 26,
  });
}

describe('the functions of the headers', () => {
  it.each([
    ['cuda.h', /\b(cu[A-Z]\w*)\s*\(/g],
    ['cuda_runtime_api.h', /\b(cuda[A-Z]\w*)\s*\(/g],
  ] as const)('are those of %s', (header, pattern) => {
    if (include === undefined) {
      console.log(`skipped: there is no CUDA toolkit to compare ${header} with`);
      return;
    }
    const flags = ['-I', include, '-include', header];
    const version = /CUDA_VERSION (\d+)/.exec(preprocess('-dM', '-I', include, '-include', 'cuda.h'))?.[1];
    if (version !== '13000') {
      console.log(`skipped: ${header} is of CUDA ${version}, the list of 13000`);
      return;
    }
    const found = new Set([...preprocess(...flags).matchAll(pattern)].map((match) => match[1]));
    expect([...found].sort()).toEqual([...headerFunctions[header]]);
  });
});

describe('the coverage matrix', () => {
  it('tells what works, what is refused, and what is not there', () => {
    expect(coverageOf('cuMemAlloc_v2')).toMatchObject({ software: 'works', real: 'works', since: '3.2' });
    expect(coverageOf('cudaMalloc')).toMatchObject({ software: 'works', real: 'works' });
    expect(coverageOf('cuTexRefCreate')).toMatchObject({ software: 'refused', real: 'refused' });
    expect(coverageOf('cuNoSuchThing')).toMatchObject({ software: 'missing', real: 'missing' });
  });

  it('names every function of both headers', () => {
    const text = coverage();
    for (const name of Object.values(headerFunctions).flat()) expect(text).toContain(`\`${name}\``);
  });
});

describe('what programs call', () => {
  it.each(programFunctions)('is all there: $title', ({ functions }) => {
    expect(functions.filter((name) => coverageOf(name).software === 'missing')).toEqual([]);
    expect(new Set(functions).size).toBe(functions.length);
  });

  // PyTorch, FFmpeg and nvtop live with what is refused; the others are to run.
  it.each(programFunctions.filter(({ title }) => !/^(PyTorch|FFmpeg|nvtop)/.test(title)))(
    'works: $title',
    ({ functions }) => {
      expect(functions.filter((name) => coverageOf(name).software !== 'works')).toEqual([]);
    },
  );
});

it('PyTorch finds every function of the driver without which it does not start', () => {
  // The first list in c10/cuda/driver_api.h; of the others it looks only whether they are there.
  const required =
    `cuDeviceGet cuDeviceGetAttribute cuMemGetAddressRange_v2 cuMemAddressReserve cuMemRelease cuMemMap
    cuMemAddressFree cuMemSetAccess cuMemUnmap cuMemCreate cuMemGetAllocationGranularity cuMemExportToShareableHandle
    cuMemImportFromShareableHandle cuMemRetainAllocationHandle cuMemGetAllocationPropertiesFromHandle cuMemsetD32Async
    cuStreamWriteValue32_v2 cuGetErrorString`.split(/\s+/);
  expect(required.filter((name) => coverageOf(name).software !== 'works')).toEqual([]);
});
