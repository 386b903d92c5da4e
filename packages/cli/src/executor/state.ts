// What is known of the executor that runs in the background: a file beside its socket.
import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { z } from 'zod';
import { CliError } from '../errors.js';

const schema = z.object({
  schemaVersion: z.literal(1),
  processId: z.int().positive(),
  /** A number of a process is used again; together with the time of its start it is not. */
  processStart: z.string().regex(/^\d+$/),
  url: z.string(),
  listen: z.array(z.string()),
  log: z.string(),
});
export type ExecutorState = z.infer<typeof schema>;

export function writeState(path: string, state: Omit<ExecutorState, 'schemaVersion'>): void {
  const temporary = `${path}.${process.pid}`;
  writeFileSync(temporary, `${JSON.stringify({ schemaVersion: 1, ...state })}\n`, { mode: 0o600 });
  renameSync(temporary, path);
}

export function removeState(path: string): void {
  rmSync(path, { force: true });
}

/**
 * The executor that runs, or undefined. What a dead one left is no executor.
 * @throws CliError ERR_VGPU_EXECUTOR_STATE when the file is not ours
 */
export function runningState(path: string): ExecutorState | undefined {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw stateError(path, cause);
  }
  let state: ExecutorState;
  try {
    state = schema.parse(JSON.parse(text));
  } catch (cause) {
    throw stateError(path, cause);
  }
  return isRunning(state) ? state : undefined;
}

export function isRunning({ processId, processStart }: ExecutorState): boolean {
  return processStartOf(processId) === processStart;
}

/** When a process started, in clock ticks since the machine did; undefined when there is no such process. */
export function processStartOf(processId: number): string | undefined {
  let stat: string;
  try {
    stat = readFileSync(`/proc/${processId}/stat`, 'utf8');
  } catch {
    return undefined;
  }
  // proc(5): field 3 is the state, field 22 the start; the second one, the name, may contain anything.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const isDead = fields[0] === 'Z' || fields[0] === 'X';
  return isDead ? undefined : fields[19];
}

function stateError(path: string, cause: unknown): CliError {
  return new CliError('ERR_VGPU_EXECUTOR_STATE', `cannot tell from ${path} which executor runs`, {
    cause,
    remedy: 'remove the file when no vgpu-executor runs',
  });
}
