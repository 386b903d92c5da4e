// vgpu's own parts, each tried for real in a process of its own.
import { Executor, executorStatus } from '@vgpu/executor';
import { guestLibrary, selfTestProgram } from '@vgpu/preload-shim';
import { guestEnvironment } from '../run/environment.js';
import { type Check, ok, problem, skipped } from './check.js';
import { runChild } from './child.js';

const CHILD_TIMEOUT_MS = 5_000;
const REBUILD = 'install vgpu again, or build it: pnpm build';

/** Loading the library into a program must change nothing about it. */
export async function checkGuestLibrary(): Promise<Check> {
  const { library } = guestLibrary();
  const env = { PATH: process.env.PATH, LD_PRELOAD: library, LD_BIND_NOW: '1' };
  const { code, output, ending } = await runChild('/bin/true', [], { timeoutMs: CHILD_TIMEOUT_MS, env });
  if (code === 0 && output === '') return ok('guest-library', `${library} loads`);
  return problem('guest-library', `/bin/true with ${library} ${ending}: ${output || 'no message'}`, REBUILD);
}

/** A kernel from end to end: executor, guest library, software GPU. */
export async function checkSoftwareGpu(): Promise<Check> {
  await using executor = await Executor.start({ gpu: 'software', restart: false });
  const seconds = await runSelfTest(executor.url);
  if (typeof seconds !== 'number')
    return problem('software-gpu', `the self-test ${seconds.failure}`, REBUILD);
  return ok('software-gpu', `${executor.device.name} computes; the self-test took ${seconds.toFixed(2)} s`);
}

const NO_DRIVER = 'no NVIDIA driver answers';

/** The executor looks for the driver itself, in a process that may hang or crash. */
export async function checkRealGpu(): Promise<Check> {
  let executor: Executor;
  try {
    executor = await Executor.start({ gpu: 'real', restart: false });
  } catch (error) {
    if (codeOf(error) !== 'ERR_VGPU_BACKEND_UNAVAILABLE') throw error;
    const why = error instanceof Error ? error.message : String(error);
    return skipped('real-gpu', `${NO_DRIVER}: ${why}`);
  }
  await using running = executor;
  const seconds = await runSelfTest(running.url);
  if (typeof seconds !== 'number') {
    return problem(
      'real-gpu',
      `${running.device.name}: the self-test ${seconds.failure}`,
      'check the driver with nvidia-smi',
    );
  }
  return ok('real-gpu', `${running.device.name} computes; the self-test took ${seconds.toFixed(2)} s`);
}

/** The executor that programs would use. */
export async function checkExecutor(url = process.env.VGPU_EXECUTOR): Promise<Check> {
  if (!url) return skipped('executor', 'VGPU_EXECUTOR is not set: vgpu run starts an executor of its own');
  const { backend, clients, maximumClients } = await executorStatus(url);
  const evidence = `${url} answers: ${backend} backend, ${clients.length} of ${maximumClients} clients`;
  if (clients.length < maximumClients) return ok('executor', evidence);
  return problem('executor', evidence, 'wait until a client ends, or start it with a higher --max-clients');
}

async function runSelfTest(url: string): Promise<number | { failure: string }> {
  const began = performance.now();
  const { code, output, ending } = await runChild(selfTestProgram(), [], {
    timeoutMs: CHILD_TIMEOUT_MS,
    env: guestEnvironment({}, guestLibrary(), url),
  });
  if (code !== 0) return { failure: `${ending}: ${output || 'no message'}` };
  return (performance.now() - began) / 1000;
}

function codeOf(error: unknown): unknown {
  return error instanceof Error ? Reflect.get(error, 'code') : undefined;
}
