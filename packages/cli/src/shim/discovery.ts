// What a CUDA program finds in a fresh process.
import { type Check, ok, problem } from '../doctor/check.js';
import { CURRENT } from './layout.js';
import type { SystemRoot } from './root.js';

const TIMEOUT_MS = 30_000;
const NO_DEVICE = 'cuInit gives 100';

/**
 * Runs the self-test with nothing but `env`: the installation itself must lead it to the library.
 * @param expectDevice whether an executor must answer; otherwise "no device" is a proper answer
 */
export async function checkDiscovery(
  root: SystemRoot,
  { env, expectDevice }: { env: Record<string, string>; expectDevice: boolean },
): Promise<Check> {
  const { code, stderr, ending } = await root.ask(`${CURRENT}/vgpu-self-test`, [], {
    timeoutMs: TIMEOUT_MS,
    env,
  });
  if (code === 0) return ok('discovery', 'a CUDA program ran a kernel');
  if (code === 1 && stderr.trim() === NO_DEVICE && !expectDevice) {
    return ok('discovery', 'a CUDA program finds the library, and no device: no executor answers');
  }
  const remedy =
    stderr.trim() === NO_DEVICE
      ? 'start the executor first (vgpu executor start, or a service), or leave --executor out'
      : 'see the evidence';
  return problem('discovery', `a CUDA program ${ending}: ${stderr.trim() || 'no message'}`, remedy);
}
