// Programs that use cuBLAS, with both ways to multiply matrices, and by the names of both versions.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Builder, programs } from './build-programs.js';
import { chosenGpu, ProgramRunner, succeeded, TEST_TIMEOUT_MS } from './program-runner.js';

const builder = new Builder();
const gpu = chosenGpu();

describe.each([
  ['auto', 'libcublas.so.13', /matrix products by/],
  ['own', 'libcublas.so.12', /matrix products by its own kernel/],
] as const)('matrices multiplied by: %s', { timeout: TEST_TIMEOUT_MS }, (blas, library, line) => {
  const runner = new ProgramRunner(builder);
  beforeAll(() => runner.start(gpu, blas), TEST_TIMEOUT_MS);
  afterAll(() => runner.stop());

  it.each(programs('.c').filter((name) => name.startsWith('cublas_')))('%s', async (name) => {
    const result = await runner.run(`${name}.c`, library);
    expect(result).toMatchObject(succeeded);
    if (gpu === 'software') await expect.poll(result.log).toMatch(line);
  });
});
