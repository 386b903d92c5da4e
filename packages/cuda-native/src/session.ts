// A session: all families of operations.
import { Layouts } from './operations/layouts.js';
import { Runner, type SessionOptions } from './runner.js';

/**
 * A session. Operations run on all cores and off the main thread, two of them at a time. While one runs, its arrays may be
 * read if they are inputs, and must be neither detached nor, if they lie in a mapped file, closed.
 *
 * All operations reject with `CapacityError` for more elements than an array has, and with `ComputeError` for arguments that make no
 * sense, too little memory, and a session that is closed; nothing has been written then. `fallback: 'never'` makes them
 * reject with @vgpu/resilience's `GpuError` where the GPU does not work.
 */
export class ComputeSession extends Layouts {}

/**
 * A session for one thread; each thread may have its own.
 *
 * @throws ComputeError ERR_VGPU_COMPUTE_ARGUMENT, ERR_VGPU_COMPUTE_GPU_UNAVAILABLE, ERR_VGPU_COMPUTE_ISOLATION, or
 * ERR_VGPU_COMPUTE_ADDON_MISSING
 * @throws ResilienceError ERR_VGPU_RESILIENCE_ARGUMENT or ERR_VGPU_RESILIENCE_SAVED_STATE, of `breaker`
 */
export async function createSession(options: SessionOptions = {}): Promise<ComputeSession> {
  return new ComputeSession(await Runner.open(options));
}
