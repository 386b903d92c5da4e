// The real backend, end to end and without a GPU: its driver is the guest library itself, which hands the calls on to
// an executor with the software GPU. All programs: VGPU_TEST_GPU=nested pnpm exec vitest run programs
import { Executor } from '@vgpu/executor';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { guestLibrary } from '../src/index.js';
import { Builder, programs } from './build-programs.js';
import { ProgramRunner, succeeded, TEST_TIMEOUT_MS } from './program-runner.js';

const PROGRAMS = [
  ...[
    'vector_add',
    'boxes',
    'constant_memory',
    'device_printf',
    'dynamic_shared',
    'graphs',
    'memory_pools',
    'modules',
    'parameters',
  ],
  ...[
    'pitched_memory',
    'texture_objects',
    'runtime_textures',
    'arrays',
    'streams_events',
    'virtual_memory',
    'bad_pointers',
    'bad_launches',
  ],
  ...['bad_copies', 'bad_handles', 'bad_images'],
];

const builder = new Builder();
const missing = builder.nvcc ? undefined : 'nvcc is not installed';
const runner = new ProgramRunner(builder);

beforeAll(async () => {
  if (missing) process.stderr.write(`programs on the real backend are skipped: ${missing}\n`);
  await runner.start('nested');
});
afterAll(() => runner.stop());

describe.skipIf(missing)('the real backend over the guest library runs', { timeout: TEST_TIMEOUT_MS }, () => {
  it.each(PROGRAMS)('%s', async (name) => {
    expect(await runner.run(`${name}.cu`)).toMatchObject(succeeded);
  });

  it.each(programs('.c').filter((name) => name.startsWith('cublas_')))('%s', async (name) => {
    expect(await runner.run(`${name}.c`, 'libcublas.so.13')).toMatchObject(succeeded);
  });

  it('managed memory, which this driver cannot share, up to its refusal by name', async () => {
    const result = await runner.run('managed_memory.cu');
    expect(result.stdout).toMatch(/cudaMallocManaged.*returned 801/);
    await expect
      .poll(result.log)
      .toMatch(/vgpuMemAllocShared gives 801: the driver's cuMemHostGetDevicePointer/);
  });

  it('an assertion that fails, whose text reaches the program', async () => {
    const result = await runner.run('bad_kernels.cu', 'assert');
    expect(result).toMatchObject({
      code: 0,
      stderr: expect.stringMatching(/^(.*Assertion `.*` failed\.\n){32}$/),
    });
  });

  it('a kernel that goes astray: the program gets the error, the next one a working GPU', async () => {
    expect(await runner.run('bad_kernels.cu', 'far-store')).toMatchObject(succeeded);
    expect(await runner.run('vector_add.cu')).toMatchObject(succeeded);
  });
});

it('a guest library that is preloaded into the executor is not taken for the driver', async () => {
  vi.stubEnv('LD_PRELOAD', guestLibrary().library);
  try {
    await expect(Executor.start({ gpu: 'real' })).rejects.toMatchObject({
      code: 'ERR_VGPU_BACKEND_UNAVAILABLE',
      message: expect.stringContaining('preloaded into the executor'),
    });
  } finally {
    vi.unstubAllEnvs();
  }
});

describe.skipIf(missing)('the real backend without a cuBLAS', { timeout: TEST_TIMEOUT_MS }, () => {
  const without = new ProgramRunner(builder);
  beforeAll(() => without.start('nested', 'auto', '/nowhere/libcublas.so.13'));
  afterAll(() => without.stop());

  it('says so when a handle is made, and what to install', async () => {
    const result = await without.run('cublas_vectors.c', 'libcublas.so.13');
    expect(result.stdout).toMatch(/cublasCreate.*1/);
    expect(result.code).toBe(1);
    await expect
      .poll(result.log)
      .toMatch(/vgpuBlasOpen gives 3: no cuBLAS .* install .*\/nowhere\/libcublas/);
  });
});
