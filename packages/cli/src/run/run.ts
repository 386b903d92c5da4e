import { type ChildProcess, spawn } from 'node:child_process';
import type { Device } from '@vgpu/executor';
import { CliError, describeError, EXIT_VGPU_FAILED } from '../errors.js';
import { guestEnvironment } from './environment.js';
import { type GpuChoice, openExecutor, type RunningExecutor } from './executor.js';
import { executorLog } from './log.js';
import type { Observer } from './observer.js';
import { findProgram, preloadObstacle, refusesToStartWithLibrary, spawnError } from './program.js';
import { dieOf, SignalRelay } from './signals.js';

export interface RunRequest {
  program: string;
  args: readonly string[];
  quiet: boolean;
  gpu?: GpuChoice;
  executor?: string;
  observer?: Observer | undefined;
}

/** How the program ended: one of the two. */
type Ending = { code: number } | { signal: NodeJS.Signals };

/** Runs the program and ends this process as the program ended. */
export async function run(request: RunRequest): Promise<void> {
  const relay = new SignalRelay();
  const { observer } = request;
  let ending: Ending;
  try {
    ending = await runProgram(request, relay);
    const code = await observer?.finish(request.program, request.args);
    if (code !== undefined) ending = { code };
  } catch (error) {
    relay.close();
    if (!relay.interruptedBy) throw error;
    ending = { signal: relay.interruptedBy };
  } finally {
    observer?.remove();
  }
  relay.close();
  if ('signal' in ending) dieOf(ending.signal);
  else process.exit(ending.code);
}

async function runProgram(request: RunRequest, relay: SignalRelay): Promise<Ending> {
  const { observer } = request;
  const path = findProgram(request.program);
  const { guestLibrary } = await import('@vgpu/preload-shim');
  const guest = observer?.guest ?? guestLibrary();
  warnOfObstacle(path, request);

  // An explicit --gpu asks for an executor of one's own, whatever the environment says.
  const { check, profilePath } = observer ?? {};
  const ownExecutor = request.gpu !== undefined || check !== undefined || profilePath !== undefined;
  const url = request.executor ?? (ownExecutor ? undefined : process.env.VGPU_EXECUTOR || undefined);
  const log = executorLog({ quiet: request.quiet, file: process.env.VGPU_LOG });
  const executor = await openExecutor({
    gpu: request.gpu,
    url,
    check,
    profilePath,
    signal: relay.abortSignal,
    log,
  });
  try {
    if (relay.interruptedBy) throw new CliError('ERR_VGPU_INTERRUPTED', 'interrupted');
    announce(request, executor);
    const environment = refusesToStartWithLibrary(path)
      ? process.env
      : guestEnvironment(process.env, guest, executor.url);
    const program = spawn(path, request.args, {
      argv0: request.program,
      stdio: 'inherit',
      env: { ...environment, ...observer?.environment },
    });
    relay.attach(program);
    return await ended(program, path);
  } finally {
    // From here on a signal has its ordinary effect, or an executor that is slow to stop could not be left.
    relay.close();
    // The program has ended as it has ended; that the executor did not end well must not change its result.
    await executor.stop().catch((error: unknown) => process.stderr.write(describeError(error)));
  }
}

function ended(program: ChildProcess, path: string): Promise<Ending> {
  return new Promise((resolve, reject) => {
    program.once('error', (error) => reject(spawnError(path, error)));
    program.once('exit', (code, signal) => resolve(signal ? { signal } : { code: code ?? EXIT_VGPU_FAILED }));
  });
}

function warnOfObstacle(path: string, { program, quiet }: RunRequest): void {
  const obstacle = preloadObstacle(path);
  if (obstacle && !quiet)
    process.stderr.write(`vgpu: warning: ${program} will not see the GPU: ${obstacle}\n`);
}

function announce({ program, quiet }: RunRequest, { device, url }: RunningExecutor): void {
  // Only people read this: a log or another program gets exactly what the program wrote.
  if (quiet || !process.stderr.isTTY) return;
  const where = device === undefined ? `the executor at ${url}` : describe(device);
  process.stderr.write(`vgpu: ${program} runs on ${where}\n`);
}

function describe({ name, memoryBytes, backend }: Device): string {
  return `${name}, ${(memoryBytes / 2 ** 30).toFixed(1)} GiB (${backend} backend)`;
}
