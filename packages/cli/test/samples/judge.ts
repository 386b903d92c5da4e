// Runs a built sample under `vgpu run` and judges it by its exit code and by its own words.
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { command } from './command.js';
import type { Sample } from './sample.js';

/** helper_functions.h: a sample that cannot run on the device at hand ends with this code. */
const EXIT_WAIVED = 2;

export interface Verdict {
  /** Ended with code 0 within the time limit. */
  readonly runs: boolean;
  /** Says of itself that its results are right. */
  readonly verifies: boolean;
  /** Why not, or what proves it. */
  readonly because: string;
  readonly milliseconds: number;
}

// As the samples put it; several have their own words.
const PASSED =
  /\b(passed|pass|success|successful|successfully|succeeded|OK|correct|matches|sorted)\b(?!\s*=\s*0\b)/i;
const FAILED = /\b(failed|failure|mismatch|incorrect|not passed|error:?\s*(code|at)|cuda error)\b/i;

/** In a sample's sources: it compares its results and says by its exit code alone whether they are right. */
const JUDGES_BY_EXIT_CODE = /\?\s*EXIT_SUCCESS\s*:\s*EXIT_FAILURE/;

function judgesByExitCode({ folder, sources }: Sample): boolean {
  return sources.some((source) => JUDGES_BY_EXIT_CODE.test(readFileSync(join(folder, source), 'utf8')));
}

const lineWith = (text: string, pattern: RegExp): string | undefined =>
  text
    .split('\n')
    .find((line) => pattern.test(line))
    ?.trim();

/** The lines of a log that are more than information, without time, level and process. */
const complaints = (log: string): string =>
  [...log.matchAll(/^\S+Z (?!info|debug)\S+ (?:\[\d[^\]]*\] )?(.*)$/gm)]
    .map(([, message]) => message)
    .join('\n');

/** What vgpu itself has to say about it, in the guest's log or on standard error. */
function cause(text: string, log: string): string | undefined {
  return (
    lineWith(log, /not implemented|refused|cannot/) ??
    lineWith(text, /gives \d+: /)?.replace(/^.*?gives (\d+): /, 'error $1: ') ??
    lineWith(log, /./)
  );
}

export async function judge(
  sample: Sample,
  built: { readonly program: string; readonly folder: string },
  vgpu: readonly [string, ...string[]],
  timeoutMs: number,
): Promise<Verdict> {
  const log = join(built.folder, 'vgpu.log');
  rmSync(log, { force: true });
  const [file, ...before] = vgpu;
  const env = { ...process.env, VGPU_LOG: log };
  const result = await command(
    file,
    [...before, 'run', '--gpu', 'software', '--quiet', '--', built.program, ...sample.args],
    { cwd: built.folder, timeoutMs, env },
  );
  const logged = complaints(existsSync(log) ? readFileSync(log, 'utf8') : '');
  const { code, milliseconds } = result;
  // Programs name themselves by their whole path, which is nobody's business.
  const text = result.text.replaceAll(`${built.folder}/`, '');
  const runs = code === 0;
  const no = (because: string): Verdict => ({ runs, verifies: false, because, milliseconds });
  if (result.timedOut) return no(`still running after ${timeoutMs / 1000} s`);
  const own = lineWith(text, FAILED);
  if (code === EXIT_WAIVED) {
    return no(
      `waives itself: ${lineWith(text, /waiv|require|support|need/i) ?? text.trim().split('\n').at(-1)}`,
    );
  }
  if (code !== 0) {
    const ending = result.signal === null ? `exit code ${code}` : `dies of ${result.signal}`;
    return no(cause(text, logged) ?? own ?? `${ending}: ${text.trim().split('\n').at(-1) ?? ''}`);
  }
  if (own !== undefined) return no(own);
  const passed =
    lineWith(text, PASSED) ??
    (judgesByExitCode(sample) ? 'its exit code says that the results are right' : undefined);
  return passed === undefined
    ? no('says nothing about its results')
    : { runs, verifies: true, because: passed, milliseconds };
}
