// The table against NVIDIA's own headers, where a toolkit is installed.
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { cudaHeaderCheck } from '../src/generate/cuda-header-check.js';

const headers = ['cuda.h', 'cuda_runtime_api.h'] as const;
const folders = [process.env.CUDA_HOME, process.env.CUDA_PATH, '/usr/local/cuda', '/usr/local/cuda-13.0']
  .filter((folder) => folder !== undefined)
  .map((folder) => join(folder, 'include'));
const include = folders.find((folder) => headers.every((header) => existsSync(join(folder, header))));
const version = include === undefined ? undefined : cudaVersion(include);

function cudaVersion(folder: string): number {
  const output = execFileSync(
    'gcc',
    ['-E', '-dM', '-I', folder, '-include', 'cuda.h', '-x', 'c', '/dev/null'],
    {
      encoding: 'utf8',
    },
  );
  return Number(/#define CUDA_VERSION (\d+)/.exec(output)?.[1]);
}

const reason =
  include === undefined
    ? `no CUDA headers in ${folders.join(', ')}`
    : version === 13000
      ? ''
      : `CUDA ${version}, not 13000`;
if (reason !== '') console.log(`skipped: comparison with the CUDA headers (${reason})`);

describe.skipIf(reason !== '')('the CUDA 13.0 headers', () => {
  let folder = '';
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'vgpu-headers-'));
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  function compile(text: string): string {
    const file = join(folder, 'check.c');
    writeFileSync(file, text);
    return spawnSync('gcc', ['-std=c11', '-fsyntax-only', '-I', include ?? '', file], { encoding: 'utf8' })
      .stderr;
  }

  it.each(headers)('agree with the table: %s', (header) => {
    expect(compile(cudaHeaderCheck(header))).toBe('');
  });

  it('would notice a wrong constant, size, offset or parameter', () => {
    const text = cudaHeaderCheck('cuda.h');
    const damages: readonly (readonly [string, string])[] = [
      ['CUDA_ERROR_OUT_OF_MEMORY == 2', 'CUDA_ERROR_OUT_OF_MEMORY == 3'],
      ['sizeof(CUDA_MEMCPY2D) == 128', 'sizeof(CUDA_MEMCPY2D) == 120'],
      ['offsetof(CUDA_MEMCPY2D, srcDevice) == 32', 'offsetof(CUDA_MEMCPY2D, srcDevice) == 24'],
      ['cuMemAlloc_v2(CUdeviceptr *dptr, size_t bytesize)', 'cuMemAlloc_v2(CUdeviceptr *dptr, int bytesize)'],
    ];
    for (const [right, wrong] of damages) {
      expect(text).toContain(right);
      expect(compile(text.replace(right, wrong)), wrong).toContain('error');
    }
  });
});
