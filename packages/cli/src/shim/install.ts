// `vgpu shim install`: plan, preflight, consent; then steps each of which can be undone, whatever happens.
import { guestLibrary } from '@vgpu/preload-shim';
import type { Check } from '../doctor/check.js';
import { CliError, EXIT_FINDINGS } from '../errors.js';
import { askConsent } from '../file/consent.js';
import type { Context, Outcome } from '../output/command.js';
import { Installation, type InstallationOptions, isGuarded } from './installation.js';
import { readTransactions, type Transaction } from './journal.js';
import { preflight } from './preflight.js';
import { SystemRoot } from './root.js';
import { hasSystemd, serviceEnvironment, serviceState } from './service.js';

// systemd.unit(5); of another name it would not read the drop-in.
const SERVICE = /^[\w:.@\\-]+\.service$/;

export interface InstallOptions extends InstallationOptions {
  readonly root: string;
  readonly library?: string;
  readonly overRealDriver?: boolean;
  readonly dryRun?: boolean;
  readonly yes?: boolean;
}

export async function install(options: InstallOptions, context: Context): Promise<Outcome> {
  const root = new SystemRoot(options.root);
  refuseNonsense(options, root);
  const library = options.library ?? guestLibrary().library;
  const last = readTransactions(root).at(-1);
  refuseWhilePending(last);
  const checks = await preflight(root, {
    scope: options.scope,
    library,
    overRealDriver: options.overRealDriver ?? false,
  });
  if (options.restart !== undefined) checks.push(await checkService(options.restart));
  const installation = new Installation(root, await withEnvironment(options, root), library, context);
  const plan = installation.plan.map(({ title }) => title);
  const document = { root: root.path, scope: options.scope, version: installation.version, checks, plan };
  const text = [
    ...checks.map(describeCheck),
    '',
    ...plan.map((title, index) => `${index + 1}. ${title}`),
  ].join('\n');
  const problems = checks.filter(({ status }) => status === 'problem');
  if (options.dryRun) {
    return {
      document: { ...document, done: false },
      text,
      exitCode: problems.length > 0 ? EXIT_FINDINGS : 0,
    };
  }
  if (problems.length > 0) throw preflightError(problems);
  if (plan.length === 0)
    return { document: { ...document, done: false }, text: 'everything is installed already' };
  context.say(text);
  if (!options.yes) await askConsent('Do this?', context.signal);
  await installation.perform((last?.number ?? 0) + 1);
  return { document: { ...document, done: true }, text: closingWords(root, options) };
}

function refuseNonsense({ scope, service, restart }: InstallOptions, root: SystemRoot): void {
  const complaint =
    (scope === 'service') !== (service !== undefined)
      ? '--scope service and --service NAME belong together'
      : restart !== undefined && !root.isRunning
        ? '--restart is for the running system, and --root names another one'
        : service !== undefined && !SERVICE.test(service)
          ? `--service ${service} is no name of a service, such as ollama.service`
          : undefined;
  if (complaint) throw new CliError('ERR_VGPU_USAGE', complaint);
}

function refuseWhilePending(last: Transaction | undefined): void {
  if (last === undefined || last.state === 'confirmed') return;
  const remedy =
    last.state === 'unconfirmed' ? 'vgpu shim confirm, or vgpu shim rollback' : 'vgpu shim rollback';
  throw new CliError('ERR_VGPU_SHIM_PENDING', `the installation before this one is ${last.state}`, {
    remedy,
  });
}

/** The service keeps the libraries that its own files give it. */
async function withEnvironment(options: InstallOptions, root: SystemRoot): Promise<InstallOptions> {
  const { service } = options;
  if (service === undefined || !root.isRunning || !hasSystemd()) return options;
  return { ...options, environment: await serviceEnvironment(service) };
}

async function checkService(name: string): Promise<Check> {
  const { loaded, active } = await serviceState(name);
  if (loaded) return { id: 'service', status: 'ok', evidence: `${name} is ${active}` };
  return {
    id: 'service',
    status: 'problem',
    evidence: `there is no ${name}`,
    remedy: 'systemctl list-units',
  };
}

export function describeCheck({ id, status, evidence }: Check): string {
  return `${status.padEnd(8)} ${id.padEnd(13)} ${evidence}`;
}

function preflightError(problems: readonly Check[]): CliError {
  const remedies = problems.map(({ remedy }) => remedy).filter((remedy) => remedy !== undefined);
  return new CliError(
    'ERR_VGPU_SHIM_PREFLIGHT',
    `nothing was changed: ${problems.map(({ evidence }) => evidence).join('; ')}`,
    { remedy: [...new Set(remedies)].join('; ') },
  );
}

function closingWords(root: SystemRoot, options: InstallOptions): string {
  if (!isGuarded(root, options)) return 'installed; vgpu shim uninstall undoes it';
  const since = root.isRunning ? 'in' : 'at its next start, after';
  return [
    `installed; it is undone ${since} ${options.confirmWithin} s unless you say: vgpu shim confirm`,
    'Log in once more before you do, and look that sudo works.',
  ].join('\n');
}
