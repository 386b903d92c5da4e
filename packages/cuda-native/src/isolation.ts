// The driver behind an executor: whatever it does, it does in another process.
import { readFile } from 'node:fs/promises';
import { conditionFault, type Fault } from '@vgpu/resilience';
import { argumentError, ComputeError } from './errors.js';

export interface Isolation {
  /** The guest library, which is loaded in the place of the driver. */
  readonly library: string;
  /** Where its executor listens. */
  readonly executor: string;
  /** Ends this process's worker, if the executor is on this machine: whatever it has been asked for then fails. */
  killWorker(): void;
  /** Once all workers are gone that were to be killed: one that is made before might be taken for them. */
  workersKilled(): Promise<void>;
}

let connectedTo: string | undefined;
let killing: Promise<void> = Promise.resolve();
let own: Promise<string | Fault> | undefined;
/** The address of this process's own executor, once nobody starts that again. */
let deadExecutor: string | undefined;
let reached = false;

/**
 * The guest library and an executor: those that the caller or the environment names, else those of the packages @vgpu/preload-shim
 * and @vgpu/executor; that one then serves this machine's GPU for as long as the process lives.
 *
 * @throws ComputeError ERR_VGPU_COMPUTE_ISOLATION, or ERR_VGPU_COMPUTE_ARGUMENT for a second executor
 */
export async function isolate(
  driver: string | undefined,
  executor: string | undefined,
): Promise<Isolation | Fault> {
  const library = driver ?? (await loadPackage(() => import('@vgpu/preload-shim'))).guestLibrary().library;
  const named = executor ?? (process.env.VGPU_EXECUTOR || undefined);
  const url = named ?? (await ownExecutor());
  if (typeof url !== 'string') return url;
  if (url === deadExecutor) return conditionFault('executor-dead');
  connectedTo ??= url;
  if (connectedTo !== url) {
    throw argumentError(`executor is ${url}, but this process uses that at ${connectedTo}`);
  }
  return {
    library,
    executor: url,
    killWorker: () => {
      // Of an executor on another machine, or one that does not answer, only its own time limit helps.
      const kill = killWorker(url).catch(() => undefined);
      killing = Promise.all([killing, kill]).then(() => undefined);
    },
    workersKilled: () => killing,
  };
}

/** Why nobody listens there, if somebody did before. Who was named by the caller may always come back. */
export function absence(url: string): Fault | undefined {
  if (url === deadExecutor) return conditionFault('executor-dead');
  return reached ? conditionFault('executor-restarting') : undefined;
}

/** This process's executor has answered. */
export function wasReached(): void {
  reached = true;
}

/** Its address; or why there is no GPU. */
function ownExecutor(): Promise<string | Fault> {
  own ??= startExecutor().catch((error: unknown) => {
    own = undefined;
    throw error;
  });
  return own;
}

async function startExecutor(): Promise<string | Fault> {
  const { Executor, isExecutorError } = await loadPackage(() => import('@vgpu/executor'));
  try {
    const executor = await Executor.start({ gpu: 'real' });
    executor.once('failed', () => {
      deadExecutor = executor.url;
    });
    reached = true;
    return executor.url;
  } catch (error) {
    if (isExecutorError(error) && error.code === 'ERR_VGPU_BACKEND_UNAVAILABLE') {
      return conditionFault('probe-refused');
    }
    throw new ComputeError('ERR_VGPU_COMPUTE_ISOLATION', `no executor: ${String(error)}`, {
      remedy: 'Name a running one with the option executor, or with VGPU_EXECUTOR.',
      cause: error,
    });
  }
}

async function killWorker(url: string): Promise<void> {
  const { executorStatus } = await loadPackage(() => import('@vgpu/executor'));
  const { processId: daemon, clients } = await executorStatus(url);
  for (const { processId, userId, workerProcessId } of clients) {
    // The worker's number means some other process here if the executor is on another machine, whose clients have no user,
    // or in another container, whose daemon is not the parent.
    if (processId !== process.pid || userId === undefined) continue;
    if ((await parentOf(workerProcessId)) === daemon) process.kill(workerProcessId, 'SIGKILL');
  }
}

/** The number of a process's parent, where this machine says so. */
async function parentOf(processId: number): Promise<number | undefined> {
  const stat = await readFile(`/proc/${processId}/stat`, 'utf8').catch(() => undefined);
  // The name in parentheses may hold anything; behind it come the state and the parent.
  const parent = stat?.slice(stat.lastIndexOf(')') + 2).split(' ')[1];
  return parent === undefined ? undefined : Number(parent);
}

/** Of a package that only isolation needs. */
async function loadPackage<Package>(load: () => Promise<Package>): Promise<Package> {
  try {
    return await load();
  } catch (error) {
    throw new ComputeError('ERR_VGPU_COMPUTE_ISOLATION', "isolation: 'process' lacks a package", {
      remedy: 'Install @vgpu/executor and @vgpu/preload-shim.',
      cause: error,
    });
  }
}
