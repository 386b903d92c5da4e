import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { findNvcc, makePtx } from '../src/cuda.mjs';

const nvcc = findNvcc();
let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'vgpu-ptx-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

/** What only the file sees, and has a name in the PTX. */
const HIDDEN = `namespace {
__device__ int sumOfBlock(int value) {
  __shared__ int values[32];
  values[threadIdx.x] = value;
  __syncthreads();
  return values[0] + values[31];
}
}
`;

describe('makePtx', () => {
  it.for([
    [
      'a kernel with the name of the source',
      'extern "C" __global__ void copy(int* to) { *to = sumOfBlock(*to); }\n',
    ],
    ['a kernel with the name of C++', '__global__ void copy(int* to) { *to = sumOfBlock(*to); }\n'],
  ])('makes the same of a source wherever it is: %s', ([, kernel], { skip }) => {
    if (!nvcc) return skip('nvcc is not installed');
    const [one, other] = ['here', 'elsewhere'].map((name) => {
      mkdirSync(join(folder, name), { recursive: true });
      const source = join(folder, name, 'copy.cu');
      writeFileSync(source, HIDDEN + kernel);
      return makePtx(nvcc, source);
    });
    expect(one).toContain('_INTERNAL_00000000_');
    expect(other).toBe(one);
  });
});
