// Where telemetry lies on a machine, so that the vgpu command finds it.
import { mkdir, readdir, rm, stat } from 'node:fs/promises';
import { homedir } from 'node:os';
import { isAbsolute, join } from 'node:path';
import { threadId } from 'node:worker_threads';
import { ResilienceArgumentError } from '../errors.js';
import type { TelemetrySink } from '../telemetry/channel.js';
import { Telemetry } from '../telemetry/telemetry.js';
import { RotatingFileSink } from './rotating-file-sink.js';

const keptDays = 7;
/** name-pid.jsonl, and .1 and so on behind it where it was put aside. */
const fileName = /^[\w.-]+-(\d+)\.jsonl(?:\.\d+)?$/;

/**
 * `$VGPU_TELEMETRY_DIR`, else `vgpu/telemetry` in `$XDG_STATE_HOME`, which is `~/.local/state` where it is not set. `vgpu top` and
 * `vgpu logs` look there.
 */
export function telemetryFolder(
  environment: Readonly<Record<string, string | undefined>> = process.env,
): string {
  const { VGPU_TELEMETRY_DIR: chosen, XDG_STATE_HOME: state } = environment;
  if (chosen) return chosen;
  // The XDG specification ignores relative paths.
  const base = state && isAbsolute(state) ? state : join(homedir(), '.local', 'state');
  return join(base, 'vgpu', 'telemetry');
}

/**
 * A stream into a file of this process in the telemetry folder, which is made where it is missing: `name-pid.jsonl`, of 50 MB, and at most
 * nine older ones beside it. Files of processes that have ended go after seven days. Close it at the end.
 *
 * Each stream has a file of its own: in a worker thread `name.tN-pid.jsonl`, where N is the thread's number, and the second one
 * that is open at a time under the same name `name.2-pid.jsonl`.
 *
 * @param name of the program: letters, digits, `.`, `_` and `-`
 * @throws ResilienceArgumentError for another name; the system's error where the folder cannot be made
 */
export async function fileTelemetry(name: string, folder: string = telemetryFolder()): Promise<Telemetry> {
  if (!/^[\w.-]{1,100}$/.test(name)) {
    throw new ResilienceArgumentError(`${JSON.stringify(name)} is no name of a file`, { name });
  }
  await mkdir(folder, { recursive: true, mode: 0o700 });
  await removeOld(folder);
  return new Telemetry({ sinks: [sinkOfItsOwn(join(folder, name))] });
}

/** Files that streams of this thread write to. */
const taken = new Set<string>();

/** Two sinks of one file would put it aside under each other's hands. */
function sinkOfItsOwn(start: string): TelemetrySink {
  const inThread = threadId === 0 ? start : `${start}.t${threadId}`;
  const pathOf = (index: number) => `${inThread}${index === 1 ? '' : `.${index}`}-${process.pid}.jsonl`;
  let index = 1;
  while (taken.has(pathOf(index))) index += 1;
  const path = pathOf(index);
  taken.add(path);
  const sink = new RotatingFileSink(path);
  return {
    name: sink.name,
    write: (records) => sink.write(records),
    flush: () => sink.flush(),
    close: () => sink.close().finally(() => taken.delete(path)),
  };
}

/** Nothing depends on it: what cannot be looked at or removed stays. */
async function removeOld(folder: string): Promise<void> {
  const oldest = Date.now() - keptDays * 24 * 3600 * 1000;
  for (const file of await readdir(folder)) {
    const [, pid] = fileName.exec(file) ?? [];
    if (pid === undefined || isRunning(Number(pid))) continue;
    const path = join(folder, file);
    const { mtimeMs } = await stat(path).catch(() => ({ mtimeMs: Number.POSITIVE_INFINITY }));
    if (mtimeMs < oldest) await rm(path, { force: true }).catch(() => {});
  }
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // EPERM: it runs, and belongs to somebody else.
    return (error as NodeJS.ErrnoException).code !== 'ESRCH';
  }
}
