// `vgpu executor stop`
import { setTimeout as sleep } from 'node:timers/promises';
import { CliError } from '../errors.js';
import type { Context, Outcome } from '../output/command.js';
import { executorFolder } from './folder.js';
import { type ExecutorState, isRunning, runningState } from './state.js';

/** The daemon gives its workers 2 s, its supervisor gives the daemon 4. */
const PATIENCE_MS = 10_000;
const POLL_MS = 20;

export async function stop({ signal, progress }: Context): Promise<Outcome> {
  const { state: path } = executorFolder();
  const state = runningState(path);
  if (!state) return { document: { stopped: null }, text: 'no executor runs' };
  process.kill(state.processId, 'SIGTERM');
  await progress.during('stopping the executor', () => untilGone(state, signal));
  return {
    document: { stopped: { url: state.url, processId: state.processId } },
    text: `stopped ${state.url} (process ${state.processId})`,
  };
}

async function untilGone(state: ExecutorState, signal: AbortSignal): Promise<void> {
  const deadline = performance.now() + PATIENCE_MS;
  while (isRunning(state)) {
    if (performance.now() > deadline) {
      throw new CliError(
        'ERR_VGPU_EXECUTOR_STUCK',
        `process ${state.processId} did not end within ${PATIENCE_MS / 1000} s`,
        { remedy: `kill -9 ${state.processId}` },
      );
    }
    await sleep(POLL_MS, undefined, { signal });
  }
}
