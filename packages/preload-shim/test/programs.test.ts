import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { incomparable, makePtx } from '@vgpu/toolchain/cuda';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { Builder, programs, SOURCES } from './build-programs.js';
import { guestEnvironment } from './guest-environment.js';
import {
  chosenGpu,
  PROGRAM_TIMEOUT_MS,
  ProgramRunner,
  succeeded,
  TEST_TIMEOUT_MS,
} from './program-runner.js';

const DRIVER_PTX = join(SOURCES, 'driver_kernels.ptx');

const builder = new Builder();
const missing = builder.nvcc ? undefined : 'nvcc is not installed';
const gpu = chosenGpu();
const runner = new ProgramRunner(builder);
const run = runner.run.bind(runner);
/** For the kernels that never end. */
const impatient = new ProgramRunner(builder, 1);
const runMode = (mode: string) => (mode === 'endless' ? impatient.run.bind(impatient) : run);

beforeAll(async () => {
  if (missing) process.stderr.write(`programs of the runtime API are skipped: ${missing}\n`);
  // Builds start here, so that they go on while the first programs run.
  for (const name of programs('.c')) void builder.build(`${name}.c`).catch(() => {});
  if (!missing) for (const name of programs('.cu')) void builder.build(`${name}.cu`).catch(() => {});
  await runner.start(gpu);
  await impatient.start(gpu);
});
afterAll(async () => void (await Promise.all([runner.stop(), impatient.stop()])));

/** A real GPU says that a kernel has failed, and not where. */
async function expectLog(log: () => string, text: RegExp) {
  if (gpu !== 'real') await expect.poll(log).toMatch(text);
}

/** What the log must say about each way to end a context. */
const FAULTS = {
  'near-store': /store.*thread \(37,0,0\).*line \d+.*allocation/,
  'far-store': /store.*thread \(37,0,0\).*line \d+.*allocation/,
  'null-load': /load.*line \d+/,
  'freed-load': /load.*line \d+/,
  misaligned: /store_misaligned.*line \d+/,
  trap: /trap.*line \d+/,
  assert: /assert/i,
  recursion: /recur.*descend.*stack/,
  'double-free': /free_twice.*line \d+.*free already/,
  endless: /wait_forever/,
};

const MANAGED_VARIABLES = "a driver's managed memory exists in the worker alone";
/** Programs that cannot run there, and why. */
const WITHOUT: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  software: {},
  real: { managed_variables: MANAGED_VARIABLES },
  nested: {
    managed_variables: MANAGED_VARIABLES,
    managed_memory: 'the guest library, as the driver, has no address for host memory of another process',
  },
};
const without = WITHOUT[gpu] ?? {};
for (const [name, why] of Object.entries(without)) process.stderr.write(`skipped: ${name}: ${why}\n`);
const runs = (name: string) => !(name in without);

/** What ends a kernel on the software GPU and need not on a real one, and why. */
const ON_HARDWARE: Readonly<Record<string, string>> = {
  'near-store': 'pages are checked, not allocations',
  'freed-load': 'pages are checked, not allocations',
  recursion: 'CUDA leaves open what happens',
  'double-free': 'CUDA leaves open what happens',
  endless: 'kernels have no time limit',
};
const endsKernels = (mode: string) => gpu !== 'real' || !(mode in ON_HARDWARE);
if (gpu === 'real') {
  for (const [mode, why] of Object.entries(ON_HARDWARE)) process.stderr.write(`skipped: ${mode}: ${why}\n`);
  process.stderr.write('skipped: driver_unsupported: a real GPU has textures\n');
}

/** What CUDA writes to stderr for each thread of the warp whose assertion fails. */
const FAILED_ASSERTIONS = expect.stringMatching(
  /^(.*bad_kernels\.cu:\d+: void fail_assertion\(const int \*\): block: \[0,0,0\], thread: \[\d+,0,0\] Assertion `values\[threadIdx\.x\] == 1` failed\.\n){32}$/,
);

describe.skipIf(missing)('programs of the runtime API', { timeout: TEST_TIMEOUT_MS }, () => {
  it.each(programs('.cu').filter((name) => name !== 'bad_kernels' && runs(name)))('%s', async (name) => {
    expect(await run(`${name}.cu`)).toMatchObject(succeeded);
  });

  it('virtual_memory: a kernel at an address without memory', async () => {
    const result = await run('virtual_memory.cu', 'unmapped');
    expect(result).toMatchObject(succeeded);
    await expectLog(result.log, /store.*reserved address/);
  });

  it.each(Object.entries(FAULTS).filter(([mode]) => endsKernels(mode)))(
    'bad_kernels %s',
    async (mode, line) => {
      const result = await runMode(mode)('bad_kernels.cu', mode);
      expect(result).toMatchObject({ ...succeeded, stderr: mode === 'assert' ? FAILED_ASSERTIONS : '' });
      await expectLog(result.log, line);
    },
  );
});

describe('programs of the driver API', { timeout: TEST_TIMEOUT_MS }, () => {
  it('runtime_12', async () => {
    expect(await run('runtime_12.c')).toMatchObject(succeeded);
  });

  it('nvml', async () => {
    expect(await run('nvml.c', gpu === 'software' ? 'measured' : 'unmeasured')).toMatchObject(succeeded);
  });

  it.each(['driver_ptx', 'driver_bad_arguments', 'driver_links', 'driver_older_forms'])(
    '%s',
    async (name) => {
      expect(await run(`${name}.c`, DRIVER_PTX)).toMatchObject(succeeded);
    },
  );

  it('driver_bad_modules', async () => {
    const result = await run('driver_bad_modules.c');
    expect(result).toMatchObject(succeeded);
    await expectLog(result.log, /line 17:3: expected/);
  });

  it.skipIf(gpu === 'real')('driver_unsupported: the log names kernel, PTX line and opcode', async () => {
    const result = await run('driver_unsupported.c');
    expect(result).toMatchObject(succeeded);
    await expectLog(result.log, /fetch.*line 17.*tld4/);
  });

  it.each(['near-store', 'far-store', 'misaligned', 'trap', 'endless'].filter(endsKernels))(
    'driver_bad_kernels %s',
    async (mode) => {
      expect(await runMode(mode)('driver_bad_kernels.c', DRIVER_PTX, mode)).toMatchObject(succeeded);
    },
  );

  it('is all that there is', () => {
    const tested = [
      // In cublas.test.ts.
      'cublas_errors',
      'cublas_products',
      'cublas_vectors',
      // In discovery.test.ts.
      'discovery',
      'driver_bad_arguments',
      'driver_bad_kernels',
      'driver_bad_modules',
      'driver_links',
      'driver_older_forms',
      'driver_ptx',
      'driver_unsupported',
      // In lost-executor.test.ts.
      'last_call',
      'nvml',
      'runtime_12',
    ];
    expect(programs('.c')).toEqual(tested);
  });
});

describe('without shared memory', { timeout: TEST_TIMEOUT_MS }, () => {
  beforeAll(() => void vi.stubEnv('VGPU_SHARED_MEMORY', '0'));
  afterAll(() => void vi.unstubAllEnvs());

  it.each(['driver_ptx', 'driver_bad_arguments'])('%s', async (name) => {
    expect(await run(`${name}.c`, DRIVER_PTX)).toMatchObject(succeeded);
  });
  it.skipIf(missing).each(['histogram', 'graphs', 'streams_events'])('%s', async (name) => {
    expect(await run(`${name}.cu`)).toMatchObject(succeeded);
  });
});

it('a program that died leaves the next one a working GPU', { timeout: TEST_TIMEOUT_MS }, async () => {
  expect(await run('driver_bad_kernels.c', DRIVER_PTX, 'far-store')).toMatchObject(succeeded);
  expect(await run('driver_ptx.c', DRIVER_PTX)).toMatchObject(succeeded);
});

it('without an executor a program gets an error, soon, and a line in the log', {
  timeout: TEST_TIMEOUT_MS,
}, async () => {
  const path = await builder.build('driver_ptx.c');
  const log = join(runner.folder, 'alone.log');
  const start = performance.now();
  const { code, stdout } = await new Promise<{ code: unknown; stdout: string }>((resolve) => {
    const env = guestEnvironment(`unix:${runner.folder}/nobody.sock`, { VGPU_LOG: log });
    execFile(path, [DRIVER_PTX], { timeout: PROGRAM_TIMEOUT_MS, env }, (error, output) =>
      resolve({ code: error ? error.code : 0, stdout: output }),
    );
  });
  expect(code).toBe(1);
  expect(stdout).toMatch(/cuInit\(0\) returned 100,/);
  expect(performance.now() - start).toBeLessThan(3000);
  expect(readFileSync(log, 'utf8')).toContain('nobody.sock');
});

it('the PTX text in the repository is what nvcc makes of its source', ({ skip }) => {
  if (!builder.nvcc) return skip('nvcc is not installed');
  const kept = readFileSync(DRIVER_PTX, 'utf8');
  const made = makePtx(builder.nvcc, join(SOURCES, 'driver_kernels.cu'));
  const reason = incomparable(made, kept);
  if (reason) return skip(reason);
  expect(kept).toBe(made);
});
