// A driver may crash or hang the process that loads it: let another process try first.
import { type ChildProcess, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { checkDelay } from '../call-limit.js';
import type { Condition, Fault } from '../fault-table.js';
import { conditionFault } from '../faults.js';

export interface PessimisticProbeOptions {
  /** A module for the running Node to load: a file URL, such as `new URL('./probe.js', import.meta.url)`, or a path. */
  readonly module?: string | URL;
  /** Or any program, looked up in PATH. */
  readonly command?: string;
  /** For the module or the program. */
  readonly arguments?: readonly string[];
  /** The environment of the child; that of this process by default. */
  readonly environment?: NodeJS.ProcessEnv;
  /** After that long the child, and on systems other than Windows all that it started, is killed. In ms, above 0; 10000 by default. */
  readonly deadlineMs?: number;
}

/**
 * - `ok`: exit status 0.
 * - `refused`: another exit status: the driver answered, and said no. Or the program could not be started.
 * - `crashed`: killed by a signal that was not ours.
 * - `hung`: not over at the deadline.
 */
export type ProbeOutcome = 'ok' | 'refused' | 'crashed' | 'hung';

export interface ProbeResult {
  readonly outcome: ProbeOutcome;
  /** For `CircuitBreaker.failed` and `GpuError`; `null` where the probe is ok. */
  readonly fault: Fault | null;
  readonly exitCode: number | null;
  readonly signal: NodeJS.Signals | null;
  /** The end of what the child wrote to its error output, at most 4096 bytes; or why it could not be started. */
  readonly stderr: string;
  readonly durationMs: number;
}

const stderrBytes = 4096;
/** How long a killed child may take to end, and a dead child's last words to arrive. A child stuck in a driver may never end. */
const graceMs = 1000;
/** On Windows, a process that died of an exception ends with its NTSTATUS: the highest two bits say "error". */
const windowsErrorStatus = 0xc000_0000;

/**
 * Runs a probe in a child process with a deadline and says how it ended. Give `module` or `command`, not both. Whatever happens to the child,
 * the promise resolves within `deadlineMs` and some seconds; it rejects only for a mistake in the options.
 *
 * @throws TypeError without `module` and `command`, or with both
 * @throws ResilienceArgumentError for a deadline out of range
 */
export async function pessimisticProbe(options: PessimisticProbeOptions): Promise<ProbeResult> {
  const { deadlineMs = 10_000, environment = process.env } = options;
  checkDelay(deadlineMs, 'deadlineMs');
  const [program, ...rest] = commandLine(options);
  const started = performance.now();
  // A group of its own, so that killing it takes along what it has started.
  const detached = process.platform !== 'win32';
  const child = spawn(program, rest, {
    env: environment,
    detached,
    stdio: ['ignore', 'ignore', 'pipe'],
    windowsHide: true,
  });
  let stderr = Buffer.alloc(0);
  child.stderr?.on('data', (chunk: Buffer) => {
    stderr = Buffer.concat([stderr, chunk]).subarray(-stderrBytes);
  });
  const end = await endOf(child, deadlineMs);
  const durationMs = performance.now() - started;
  // Also after a child that has ended by itself: what it left behind must not outlive the probe.
  if (end.startError === undefined) kill(child, detached);
  if (end.late) await within(end.ended, graceMs);
  // Someone else may still hold the pipe open, or the child may not die.
  await within(closed(child), end.late ? 0 : graceMs);
  child.stderr?.destroy();
  child.unref();
  return { ...describe(end), stderr: end.startError ?? stderr.toString('utf8'), durationMs };
}

function commandLine({
  module,
  command,
  arguments: list = [],
}: PessimisticProbeOptions): [string, ...string[]] {
  if (module !== undefined && command === undefined) {
    const url = typeof module === 'string' && !module.startsWith('file:') ? undefined : module;
    return [process.execPath, url === undefined ? String(module) : fileURLToPath(url), ...list];
  }
  if (command !== undefined && module === undefined) return [command, ...list];
  throw new TypeError('a probe needs either a module or a command');
}

interface End {
  readonly late: boolean;
  readonly exitCode: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly startError: string | undefined;
  readonly ended: Promise<unknown>;
}

async function endOf(child: ChildProcess, deadlineMs: number): Promise<End> {
  const ended = new Promise<Omit<End, 'late' | 'ended'>>((resolve) => {
    child.once('exit', (exitCode, signal) => resolve({ exitCode, signal, startError: undefined }));
    child.on('error', (error) => resolve({ exitCode: null, signal: null, startError: error.message }));
  });
  const end = await within(ended, deadlineMs);
  if (end !== undefined) return { ...end, late: false, ended };
  return { late: true, exitCode: null, signal: null, startError: undefined, ended };
}

function describe({ late, exitCode, signal, startError }: End): Omit<ProbeResult, 'stderr' | 'durationMs'> {
  const result = (outcome: ProbeOutcome, condition: Condition | null) => ({
    outcome,
    fault: condition === null ? null : conditionFault(condition),
    exitCode,
    signal,
  });
  if (late) return result('hung', 'probe-hung');
  if (startError !== undefined) return result('refused', 'probe-refused');
  if (exitCode === 0) return result('ok', null);
  const exception = process.platform === 'win32' && exitCode !== null && exitCode >>> 0 >= windowsErrorStatus;
  return signal !== null || exception
    ? result('crashed', 'probe-crashed')
    : result('refused', 'probe-refused');
}

function kill(child: ChildProcess, group: boolean): void {
  if (child.pid === undefined) return;
  try {
    if (group) process.kill(-child.pid, 'SIGKILL');
    else child.kill('SIGKILL');
  } catch {
    // Nobody is left in the group.
  }
}

function closed(child: ChildProcess): Promise<void> {
  const { stderr } = child;
  return new Promise((resolve) => {
    if (stderr === null || stderr.closed) resolve();
    else stderr.once('close', resolve);
  });
}

/** `undefined` where it takes longer. */
async function within<Value>(promise: Promise<Value>, milliseconds: number): Promise<Value | undefined> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<undefined>((resolve) => {
    timer = setTimeout(() => resolve(undefined), milliseconds);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}
