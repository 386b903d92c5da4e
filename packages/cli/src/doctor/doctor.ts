// `vgpu doctor`: everything that has to be right, each with what was seen and what can be done.
import { EXIT_FINDINGS } from '../errors.js';
import type { Context, Outcome } from '../output/command.js';
import { type Check, guarded, type Status } from './check.js';
import { checkEnvironment, checkLibc, checkNode, checkProcessor, checkSystemPreload } from './machine.js';
import { checkExecutor, checkGuestLibrary, checkRealGpu, checkSoftwareGpu } from './parts.js';
import { checkProgram } from './program.js';

const looks: readonly [id: string, look: () => Promise<Check> | Check][] = [
  ['node', checkNode],
  ['libc', checkLibc],
  ['processor', () => checkProcessor()],
  ['guest-library', checkGuestLibrary],
  ['software-gpu', checkSoftwareGpu],
  ['real-gpu', checkRealGpu],
  ['executor', () => checkExecutor()],
  ['environment', () => checkEnvironment()],
  ['system-preload', () => checkSystemPreload()],
];

export async function doctor(
  { program }: { program?: string | undefined },
  { progress, style, signal }: Context,
): Promise<Outcome> {
  const checks: Check[] = [];
  for (const [id, look] of looks) {
    signal.throwIfAborted();
    checks.push(await progress.during(`checking ${id}`, () => guarded(id, look)));
  }
  if (program !== undefined) checks.push(...checkProgram(program));
  const marks: Record<Status, string> = {
    ok: style.good('ok     '),
    warning: style.bad('warning'),
    problem: style.bad('problem'),
    skipped: style.dim('skipped'),
  };
  const text = checks.flatMap(({ id, status, evidence, remedy }) => [
    `${marks[status]}  ${id}: ${evidence}`,
    ...(remedy === undefined ? [] : [`         → ${remedy}`]),
  ]);
  const findings = checks.filter(({ status }) => status === 'problem' || status === 'warning');
  return {
    document: { checks },
    text: text.join('\n'),
    exitCode: findings.length > 0 ? EXIT_FINDINGS : 0,
  };
}
