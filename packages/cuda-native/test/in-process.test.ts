// The driver in the same process, with a GPU that works until it is told to fail: the guest library, whose executor has the
// software GPU. In a child: the library finds its executor by the environment.
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { Executor } from '@vgpu/executor';
import { guestLibrary } from '@vgpu/preload-shim';
import { afterEach, expect, it } from 'vitest';

let executor: Executor | undefined;
afterEach(() => executor?.stop());

/** What the child says, on a GPU that fails as `spec` says. */
async function outcome(spec: string): Promise<unknown> {
  process.env.VGPU_FAULT = spec;
  try {
    executor = await Executor.start({ gpu: 'software' });
  } finally {
    delete process.env.VGPU_FAULT;
  }
  const child = fileURLToPath(new URL('in-process-child.mjs', import.meta.url));
  const env = { ...process.env, VGPU_EXECUTOR: executor.url, VGPU_CONNECT_TIMEOUT_MS: '60000' };
  const { stdout } = await promisify(execFile)(process.execPath, [child, guestLibrary().library], { env });
  return JSON.parse(stdout);
}

it('operations run on the GPU', { timeout: 120_000 }, async () => {
  const onGpu = { device: 'software-gpu', reason: null, attempts: 1 };
  expect(await outcome('')).toEqual({
    results: [7, 7, 21].map((value) => ({ ...onGpu, value })),
    strict: { ...onGpu, value: 7 },
    lines: [],
    status: 'closed',
    isPermanent: false,
  });
});

it('a context that dies: the CPU for the rest of the session, and one line', {
  timeout: 120_000,
}, async () => {
  const reason = { kind: 'context-dead', source: 'driver', code: 700, name: 'CUDA_ERROR_ILLEGAL_ADDRESS' };
  const onCpu = { device: 'cpu', reason, attempts: 0 };
  expect(await outcome('700@launch:1')).toEqual({
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
