// What tests of the GPU path run on: the software GPU, or with VGPU_TEST_GPU=real the GPU of this machine.
import { Executor } from '@vgpu/executor';

const name = process.env.VGPU_TEST_GPU ?? 'software';
if (name !== 'software' && name !== 'real') {
  throw new Error(`VGPU_TEST_GPU is software or real, not "${name}"`);
}

/** What sessions call it. */
export const gpuDevice = name === 'real' ? 'gpu' : 'software-gpu';

export function startTestExecutor(): Promise<Executor> {
  return Executor.start({ gpu: name === 'real' ? 'real' : 'software' });
}
