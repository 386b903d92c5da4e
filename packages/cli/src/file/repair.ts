// `vgpu file repair`: says what is wrong and what it would do, asks, keeps a copy, and does it.
import { type Diagnosis, diagnose, PersistentArray, type RepairAction, repair } from '@vgpu/array';
import type { Assumption } from '@vgpu/format';
import { EXIT_FINDINGS } from '../errors.js';
import type { Context, Outcome } from '../output/command.js';
import { errorDocument } from '../output/json.js';
import { progressBar } from '../output/progress-bar.js';
import { backUp } from './backup.js';
import { askConsent } from './consent.js';
import { describeArray } from './describe.js';
import { checkInput, checkOutput } from './paths.js';
import { actionTexts, choicesOf, makePlan, type Problem, problemsOf, type Wishes } from './repair-plan.js';

export interface RepairOptions extends Wishes {
  readonly dryRun?: boolean | undefined;
  readonly yes?: boolean | undefined;
  /** Off with --no-backup. */
  readonly backup: boolean;
  readonly force?: boolean | undefined;
  readonly assume?: Assumption | undefined;
}

interface Findings {
  readonly path: string;
  readonly versions: Diagnosis['versions'];
  readonly problems: readonly Problem[];
  readonly plan: readonly RepairAction[];
  readonly choices: readonly string[];
}

export async function repairFile(path: string, options: RepairOptions, context: Context): Promise<Outcome> {
  checkInput(path);
  const findings = await find(path, options, context);
  const { plan, problems } = findings;
  if (options.dryRun === true || plan.length === 0) {
    return {
      exitCode: problems.length === 0 && plan.length === 0 ? 0 : EXIT_FINDINGS,
      document: { ...toDocument(findings), done: [], backup: null },
      text: findingsText(findings),
    };
  }
  const backup = options.backup ? `${path}.before-repair` : undefined;
  if (backup !== undefined) checkOutput(backup, { force: options.force ?? false });
  if (options.yes !== true) {
    context.say(findingsText(findings));
    await askConsent(backup === undefined ? 'Do it, without a backup?' : 'Do it?', context.signal);
  }
  if (backup !== undefined) {
    await context.progress.during(`copying ${path}`, (detail) =>
      backUp(path, backup, { signal: context.signal, detail }),
    );
  }
  for (const action of plan) await carryOut(path, action, options, context);
  return afterwards(findings, backup, options, context);
}

async function find(path: string, options: RepairOptions, context: Context): Promise<Findings> {
  const diagnosis = await diagnose(path, assumed(options));
  const damage = diagnosis.error === undefined ? await payloadDamage(path, options, context) : undefined;
  return {
    path,
    versions: diagnosis.versions,
    problems: problemsOf(diagnosis, damage),
    plan: makePlan(diagnosis, damage, options),
    choices: choicesOf(diagnosis, damage),
  };
}

function assumed({ assume }: RepairOptions): { assume?: Assumption } {
  return assume === undefined ? {} : { assume };
}

/** Of damage to the payload, header and metadata know nothing. */
async function payloadDamage(
  path: string,
  options: RepairOptions,
  { signal, progress }: Context,
): Promise<Error | undefined> {
  return progress.during(`verifying ${path}`, async (detail) => {
    const bar = progressBar();
    await using array = await PersistentArray.open(path, assumed(options));
    const report = await array.verify({ signal, onProgress: (done, total) => detail(bar(done, total)) });
    return report.error;
  });
}

async function carryOut(
  path: string,
  action: RepairAction,
  options: RepairOptions,
  { signal, progress }: Context,
): Promise<void> {
  await progress.during(`repairing ${path}`, async (detail) => {
    const bar = progressBar();
    const onProgress = (done: number, total: number) => detail(bar(done, total));
    await repair(path, action, { ...assumed(options), signal, onProgress });
  });
}

async function afterwards(
  findings: Findings,
  backup: string | undefined,
  options: RepairOptions,
  context: Context,
): Promise<Outcome> {
  const { path, plan } = findings;
  const { problems } = await find(path, { assume: options.assume, backup: false }, context);
  return {
    exitCode: problems.length === 0 ? 0 : EXIT_FINDINGS,
    document: { ...toDocument(findings), remaining: problems, done: plan, backup: backup ?? null },
    text: [
      `repaired ${path}`,
      ...plan.map((action) => `  done: ${actionTexts[action]}`),
      ...(backup === undefined ? [] : [`  as it was: ${backup}`]),
      ...problems.map(({ code, message }) => `  still wrong: ${message} (${code})`),
    ].join('\n'),
  };
}

function toDocument({ path, versions, problems, plan, choices }: Findings): object {
  const shown = versions.map(({ error, ...version }) => ({
    ...version,
    error: error === undefined ? null : errorDocument(error),
  }));
  return { path, versions: shown, problems, plan, choices, remaining: problems };
}

function findingsText({ path, versions, problems, plan, choices }: Findings): string {
  if (problems.length === 0 && plan.length === 0) return `${path}: nothing to repair`;
  const lines = [path];
  for (const { code, message } of problems) lines.push(`  problem: ${message} (${code})`);
  for (const { slot, active, error, generation, descriptor, committed } of versions) {
    const what = error?.message ?? (descriptor ? describeArray(descriptor) : 'nothing');
    const state = [active ? 'active' : 'not active', ...(committed === false ? ['uncommitted'] : [])].join(
      ', ',
    );
    lines.push(
      `  slot ${slot} (${state}): ${generation === undefined ? '' : `generation ${generation}, `}${what}`,
    );
  }
  for (const action of plan) lines.push(`  plan: ${actionTexts[action]}`);
  if (plan.length === 0) {
    lines.push(
      choices.length > 0
        ? `  choose one of: ${choices.join(', ')}`
        : '  nothing can be done: restore a backup',
    );
  }
  return lines.join('\n');
}
