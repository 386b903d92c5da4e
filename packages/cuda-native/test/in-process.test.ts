// The driver in the same process, with a GPU that works until it is told to fail: the guest library, whose executor has the
// software GPU. In a child: the library finds its executor by the environment.
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { Executor } from '@vgpu/executor';
import { guestLibrary } from '@vgpu/preload-shim';
import { afterEach, describe, expect, it } from 'vitest';

let executor: Executor | undefined;
afterEach(() => executor?.stop());

interface Outcome {
  readonly results: readonly unknown[];
  readonly lines: readonly string[];
}

/** What hangs never ends by itself; everything else has all the time that a busy machine takes. */
const [hangAfterMs, busyMs] = [500, 100_000];

/** What the child says, on a GPU that fails as `spec` says. */
async function outcome(spec: string): Promise<Outcome> {
  process.env.VGPU_FAULT = spec;
  try {
    executor = await Executor.start({ gpu: 'software' });
  } finally {
    delete process.env.VGPU_FAULT;
  }
  const child = fileURLToPath(new URL('in-process-child.mjs', import.meta.url));
  const env = { ...process.env, VGPU_EXECUTOR: executor.url, VGPU_CONNECT_TIMEOUT_MS: '60000' };
  const limit = String(spec.startsWith('hang') ? hangAfterMs : busyMs);
  const arguments_ = [child, guestLibrary().library, limit];
  const { stdout } = await promisify(execFile)(process.execPath, arguments_, { env });
  return JSON.parse(stdout) as Outcome;
}

it('operations run on the GPU', { timeout: 120_000 }, async () => {
  const onGpu = { device: 'software-gpu', reason: null, attempts: 1 };
  expect(await outcome('')).toMatchObject({
    results: [7, 7, 21].map((value) => ({ ...onGpu, value })),
    strict: { ...onGpu, value: 7 },
    lines: [],
    status: 'closed',
    isPermanent: false,
  });
});

it('a GPU that was busy at the start is used once it is free', { timeout: 120_000 }, async () => {
  // Of each client the first call: that of the child that tries the driver, and this process's.
  const onGpu = { device: 'software-gpu', reason: null, attempts: 1 };
  expect(await outcome('46@probe:1')).toMatchObject({
    results: [7, 7, 21].map((value) => ({ ...onGpu, value })),
    lines: [],
    status: 'closed',
  });
});

it('a GPU without memory for a context: the CPU, as often as that is so', { timeout: 120_000 }, async () => {
  const reason = { kind: 'out-of-memory', code: 2 };
  expect(await outcome('oom@probe')).toMatchObject({
    results: [7, 7, 21].map((value) => ({ value, device: 'cpu', reason, attempts: 2 })),
    lines: ['GPU failed (CUDA_ERROR_OUT_OF_MEMORY, 2). Falling back to CPU for this operation.'],
    status: 'closed',
  });
  await executor?.stop();
  expect(await outcome('oom@probe:1')).toMatchObject({ strict: { device: 'software-gpu', value: 7 } });
});

it('a context that dies: the CPU for the rest of the session, and one line', {
  timeout: 120_000,
}, async () => {
  const reason = { kind: 'context-dead', source: 'driver', code: 700, name: 'CUDA_ERROR_ILLEGAL_ADDRESS' };
  const onCpu = { device: 'cpu', reason, attempts: 0 };
  expect(await outcome('700@launch:1')).toMatchObject({
    results: [
      { ...onCpu, value: 7, attempts: 1 },
      { ...onCpu, value: 7 },
      { ...onCpu, value: 21 },
    ],
    strict: { name: 'GpuError', code: 'ERR_VGPU_RESILIENCE_GPU_FAULT', fault: reason },
    lines: ['GPU failed (CUDA_ERROR_ILLEGAL_ADDRESS, 700). Falling back to CPU for remainder of session.'],
    status: 'open',
    isPermanent: true,
  });
});

const values = [7, 7, 21];
const points = ['probe', 'alloc', 'copy-in', 'launch', 'sync', 'copy-out'] as const;
const forGood = { status: 'open', isPermanent: true };
/** One of each kind, the code that the caller is told, and the breaker after four operations. */
const faults = [
  ['oom', 2, { status: 'closed', isPermanent: false }],
  ['100', 100, forGood],
  ['46', 46, { status: 'open', isPermanent: false }],
  ['3', 3, { isPermanent: false }],
  ['700', 700, forGood],
  ['xid79', 79, forGood],
  ['crash', 'worker-died', forGood],
  ['hang', 'hung', forGood],
] as const;

describe.each(faults)('%s', (spec, code, breaker) => {
  // Whoever tries the driver first waits for ten seconds, and says that it hung.
  it.each(spec === 'hang' ? points.slice(1) : points)('at %s', { timeout: 120_000 }, async (point) => {
    const { lines, ...others } = await outcome(`${spec}@${point}`);
    expect(others).toMatchObject({
      results: values.map((value) => ({ value, device: 'cpu', reason: { code } })),
      strict: { name: 'GpuError', fault: { code } },
      ...breaker,
    });
    expect(lines).toHaveLength(1);
    expect(lines[0]).toContain(breaker.isPermanent ? 'remainder of session' : 'this operation');
  });
});

describe('a mistake of the caller', () => {
  it.each(points)('at %s', { timeout: 120_000 }, async (point) => {
    const thrown = { name: 'GpuError', fault: { kind: 'caller', code: 400 } };
    expect(await outcome(`400@${point}`)).toMatchObject({
      results: values.map(() => thrown),
      strict: thrown,
      lines: [],
      status: 'closed',
      gpuMemory: { usedBytes: 0, failedFrees: 0 },
    });
  });
});
