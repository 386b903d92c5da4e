// A session on each path, the GPU's behind an executor of its own.
import type { Executor } from '@vgpu/executor';
import { type ComputeSession, createSession } from '../src/index.js';
import { startTestExecutor } from './test-gpu.js';

// The guest library looks there when it connects: on a busy machine that may take a while.
process.env.VGPU_CONNECT_TIMEOUT_MS = '60000';

export interface BothPaths {
  readonly executor: Executor;
  readonly cpu: ComputeSession;
  readonly gpu: ComputeSession;
}

export async function openBothPaths(): Promise<BothPaths> {
  const executor = await startTestExecutor();
  const cpu = await createSession({ device: 'cpu' });
  const gpu = await createSession({
    device: 'gpu',
    isolation: 'process',
    executor: executor.url,
    fallback: 'never',
  });
  return { executor, cpu, gpu };
}

export async function closeBothPaths(paths: BothPaths | undefined): Promise<void> {
  await paths?.gpu.close();
  await paths?.cpu.close();
  await paths?.executor.stop();
}
