// `vgpu shim explain`: what the guest library makes of a process. The decision is the library's own code, in a program of
// its own; here it is put into words.
import { spawnSync } from 'node:child_process';
import { constants } from 'node:os';
import { shimExplainProgram } from '@vgpu/preload-shim';
import { z } from 'zod';
import { CliError } from '../errors.js';
import type { Outcome } from '../output/command.js';
import { elfObstacle, findProgramToLookAt } from '../run/program.js';

const TIMEOUT_MS = 10_000;

const explanation = z.object({
  class: z.enum(['refused', 'early', 'deferred']),
  reason: z.string(),
  /** Of the executed file, without its folder; null for none. */
  name: z.string().nullable(),
  /** Of a running process: where the library is mapped, and how far it is. */
  library: z.string().nullish(),
  state: z.string().nullish(),
  /** Where the file was looked at. */
  configuration: z
    .object({
      path: z.string(),
      /** 0 where the problem is not about a line. */
      line: z.int(),
      problem: z.string().nullable(),
      executor: z.string().nullable(),
    })
    .optional(),
});
type Explanation = z.infer<typeof explanation>;

const failure = z.object({ error: z.object({ number: z.int(), message: z.string() }) });

export function explain(operand: string): Outcome {
  const running = /^\d+$/.test(operand);
  const path = running ? undefined : findProgramToLookAt(operand);
  const found = ask(path === undefined ? ['--pid', operand] : ['--program', path], operand);
  // Such a program never meets the library, whatever that would make of it.
  const obstacle = path === undefined ? undefined : elfObstacle(path);
  return {
    document: { operand, path: path ?? null, ignored: obstacle ?? null, ...found },
    text: describe(operand, found, obstacle).join('\n'),
  };
}

function ask(args: readonly string[], operand: string): Explanation {
  const program = shimExplainProgram();
  const { status, stdout, stderr, error } = spawnSync(program, args, {
    encoding: 'utf8',
    timeout: TIMEOUT_MS,
  });
  if (status === 0) return explanation.parse(JSON.parse(stdout));
  if (status !== 1) throw new Error(`${program} failed with status ${status}: ${stderr}`, { cause: error });
  const { number, message } = failure.parse(JSON.parse(stdout)).error;
  if (number === constants.errno.ESRCH || number === constants.errno.ENOENT) {
    throw new CliError('ERR_VGPU_NO_PROCESS', `there is no process ${operand}`, {
      remedy: 'a program whose name is a number is given with a path: ./123',
    });
  }
  const denied = number === constants.errno.EACCES || number === constants.errno.EPERM;
  throw new CliError('ERR_VGPU_PROCESS_ACCESS', `process ${operand} cannot be looked at: ${message}`, {
    remedy: denied ? "look at other users' processes as root" : "it may be one of the kernel's own",
  });
}

const CLASSES = {
  refused: 'refused: it never uses an executor',
  early: 'early: it looks for the executor when it starts',
  deferred: 'deferred: it looks for the executor at its first CUDA call',
};

const STATES: Record<string, string> = {
  unseen: 'the library has been loaded, and not yet decided',
  deciding: 'deciding',
  refused: 'refused',
  deferred: 'no CUDA call yet, or no executor was found when it started',
  connecting: 'connecting to the executor',
  ready: 'an executor was there when it started; connects at the first CUDA call',
  connected: 'connected to the executor',
  failed: 'no executor was found; the next CUDA call looks again',
  broken: 'the connection was lost: every CUDA call fails until the program starts again',
  real: 'without an executor, calls go to the driver that is installed on this machine',
};

function describe(operand: string, found: Explanation, obstacle: string | undefined): string[] {
  if (obstacle !== undefined) return [`${operand}: never loads the library: ${obstacle}`];
  const lines = [`${operand}: ${CLASSES[found.class]}`, `  why: ${found.reason}`];
  if (found.library === null) lines.push('  library: not loaded in this process');
  if (found.library) lines.push(`  library: ${found.library}`);
  if (found.state) lines.push(`  state: ${found.state}: ${STATES[found.state] ?? 'unknown'}`);
  if (found.library && !found.state) lines.push('  state: cannot be read from its memory');
  return [...lines, ...describeConfiguration(found)];
}

function describeConfiguration({ configuration }: Explanation): string[] {
  if (configuration === undefined) return [];
  const { path, problem, line, executor } = configuration;
  if (problem !== null) return [`  configuration: ${path}${line > 0 ? `, line ${line}` : ''}: ${problem}`];
  return executor === null ? [] : [`  configuration: ${path}: executor ${executor}`];
}
