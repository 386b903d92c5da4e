// `vgpu shim status` and `vgpu shim verify`: what is installed, and whether it works.
import { existsSync, readdirSync, readFileSync, realpathSync } from 'node:fs';
import { dirname } from 'node:path';
import { type Check, guarded, ok, problem } from '../doctor/check.js';
import { EXIT_FINDINGS } from '../errors.js';
import type { Context, Outcome } from '../output/command.js';
import { table } from '../output/table.js';
import { canary } from './canary.js';
import { checkDiscovery } from './discovery.js';
import { describeCheck } from './install.js';
import { readTransactions, type Transaction } from './journal.js';
import { CURRENT, LIBRARIES, LIBRARY, PRELOAD_FILE } from './layout.js';
import { checkLibrary, digestOf } from './library-file.js';
import { preloadEntries } from './preload-list.js';
import { systemOf } from './preflight.js';
import { SystemRoot } from './root.js';

interface RootOptions {
  readonly root: string;
}

interface Described {
  readonly number: number;
  readonly state: Transaction['state'];
  readonly version: string | null;
  readonly scope: string | null;
  /** Paths that it made or changed. */
  readonly paths: string[];
  readonly services: string[];
}

function describe({ number, state, records }: Transaction): Described {
  const plan = records.find((record) => record[0] === 'plan');
  return {
    number,
    state,
    version: plan?.[0] === 'plan' ? plan[1] : null,
    scope: plan?.[0] === 'plan' ? plan[2] : null,
    paths: records.flatMap((record) =>
      record[0] === 'create' || record[0] === 'replace' || record[0] === 'tree' ? [record[1]] : [],
    ),
    services: records.flatMap((record) => (record[0] === 'service' ? [record[1]] : [])),
  };
}

/** Changes nothing, starts nothing. */
export function status(options: RootOptions): Outcome {
  const root = new SystemRoot(options.root);
  const installations = readTransactions(root).map(describe);
  const processes = root.isRunning ? processesWithLibrary(root) : null;
  const document = { root: root.path, installed: installations.length > 0, installations, processes };
  if (installations.length === 0) return { document, text: 'not installed', exitCode: EXIT_FINDINGS };
  const rows = installations.map(({ number, state, version, scope }) => [
    String(number),
    state,
    scope ?? '',
    version ?? '',
  ]);
  const lines = table(['installation', 'state', 'scope', 'version'], rows);
  const settled = installations.every(({ state }) => state === 'confirmed');
  if (processes !== null) lines.push('', `${processes} processes have the library in their memory`);
  if (!settled) lines.push('', 'vgpu shim confirm keeps the last one, vgpu shim rollback undoes it');
  return { document, text: lines.join('\n'), exitCode: settled ? 0 : EXIT_FINDINGS };
}

/** Of this version or any other that was installed. */
function processesWithLibrary(root: SystemRoot): number {
  return readdirSync('/proc').filter((name) => /^\d+$/.test(name) && mapsLibrary(root, name)).length;
}

function mapsLibrary(root: SystemRoot, processId: string): boolean {
  try {
    const maps = readFileSync(`/proc/${processId}/maps`, 'utf8');
    return maps.includes(` ${root.at(LIBRARIES)}/`) && maps.includes('/libvgpu_cuda.so');
  } catch {
    // It has ended, or is another user's.
    return false;
  }
}

/** Looks at the files and runs programs; changes nothing. */
export async function verify(options: RootOptions, { signal }: Context): Promise<Outcome> {
  const root = new SystemRoot(options.root);
  const checks = await checksOf(root, signal);
  const text = checks.map(describeCheck).join('\n');
  const failed = checks.some((check) => check.status === 'problem');
  return { document: { root: root.path, checks }, text, exitCode: failed ? EXIT_FINDINGS : 0 };
}

async function checksOf(root: SystemRoot, signal: AbortSignal): Promise<Check[]> {
  const last = readTransactions(root).at(-1);
  if (!last) return [problem('installed', 'nothing is installed', 'vgpu shim install')];
  const { state, scope, version } = describe(last);
  if (state !== 'confirmed' && state !== 'unconfirmed') {
    return [problem('installed', `the last installation is ${state}`, 'vgpu shim rollback')];
  }
  const checks = [
    ok('installed', `${version} with scope ${scope}, ${state}`),
    ...(await checkFile(root)),
    ...(scope === 'system' ? [checkEntry(root)] : []),
    await guarded('canary', () => canary(root, LIBRARY, signal)),
  ];
  const env: Record<string, string> =
    scope === 'system' || scope === 'program' ? {} : { LD_PRELOAD: LIBRARY };
  return [...checks, await guarded('discovery', () => checkDiscovery(root, { env, expectDevice: false }))];
}

async function checkFile(root: SystemRoot): Promise<Check[]> {
  const path = root.at(LIBRARY);
  const system = systemOf(root);
  if (!existsSync(path) || !system) {
    return [
      problem('library', `there is no ${CURRENT} with a library`, 'vgpu shim rollback, then install again'),
    ];
  }
  const bytes = readFileSync(path);
  if (!dirname(realpathSync(path)).endsWith(`-${digestOf(bytes)}`)) {
    return [
      problem('library', `${LIBRARY} is not what was installed`, 'vgpu shim uninstall, and install again'),
    ];
  }
  return checkLibrary(LIBRARY, bytes, system);
}

function checkEntry(root: SystemRoot): Check {
  const path = root.at(PRELOAD_FILE);
  const entries = existsSync(path) ? preloadEntries(readFileSync(path, 'utf8')) : [];
  if (entries.includes(LIBRARY)) return ok('preload-file', `${PRELOAD_FILE} names the library`);
  return problem(
    'preload-file',
    `somebody has taken the library out of ${PRELOAD_FILE}`,
    'vgpu shim uninstall, and install again',
  );
}
