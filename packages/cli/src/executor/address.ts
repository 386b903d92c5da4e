import { executorFolder } from './folder.js';
import { runningState } from './state.js';

/** The executor that is meant: the one named, the one of $VGPU_EXECUTOR, or the one in the background if it runs. */
export function executorUrl(named: string | undefined): string | undefined {
  return named ?? (process.env.VGPU_EXECUTOR || runningState(executorFolder().state)?.url);
}
