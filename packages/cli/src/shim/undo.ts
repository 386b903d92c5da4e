// Undoing, by the recovery program: one that works without Node is the only one that there is.
import { existsSync } from 'node:fs';
import { recoveryProgram } from '@vgpu/preload-shim';
import { CliError, EXIT_FINDINGS } from '../errors.js';
import type { Context, Outcome } from '../output/command.js';
import { askConsent } from '../file/consent.js';
import { readTransactions } from './journal.js';
import { RECOVERY } from './layout.js';
import { ask, SystemRoot } from './root.js';

const LIMIT_MS = 120_000;
const REMARKS = 3;
const BUSY = 2;

export interface UndoOptions {
  readonly root: string;
  readonly yes?: boolean;
}

interface Undone {
  /** What it did, one line each. */
  readonly lines: string[];
  /** Empty, or what did not work although everything is as before. */
  readonly remarks: string;
}

/**
 * @param which an installation, which must still be the last one: where others have undone it, the one before it stays
 * @throws CliError ERR_VGPU_SHIM_UNDO
 */
export async function undo(root: SystemRoot, which: number | 'all'): Promise<Undone> {
  if (which !== 'all' && readTransactions(root).at(-1)?.number !== which) return { lines: [], remarks: '' };
  // The one that was installed knows its own journal best.
  const installed = root.at(RECOVERY);
  const program = existsSync(installed) ? installed : recoveryProgram();
  const args = ['--root', root.path, ...(which === 'all' ? ['--all'] : [])];
  const { code, stdout, stderr, ending } = await ask(program, args, { PATH: process.env.PATH }, LIMIT_MS);
  const lines = stdout.split('\n').filter(Boolean);
  if (code === 0 || code === REMARKS) return { lines, remarks: code === 0 ? '' : stderr.trim() };
  const remedy =
    code === BUSY
      ? 'wait until it ends, or end it'
      : 'nothing is lost: mend what is said above and try again; docs/safety.md tells how by hand';
  throw new CliError('ERR_VGPU_SHIM_UNDO', `the recovery program ${ending}: ${stderr.trim()}`, { remedy });
}

const closingWords = (lines: readonly string[]) =>
  lines.some((line) => line.startsWith('kept '))
    ? 'the system is as it was before, but for what was kept'
    : 'the system is as it was before';

/** `vgpu shim rollback`: as it was before the last installation. `uninstall`: before the first one. */
export async function undoCommand(
  which: 'last' | 'all',
  options: UndoOptions,
  context: Context,
): Promise<Outcome> {
  const root = new SystemRoot(options.root);
  const transactions = readTransactions(root);
  if (transactions.length === 0) {
    return { document: { root: root.path, undone: [], remarks: '' }, text: 'nothing is installed' };
  }
  if (!options.yes) {
    const count = which === 'all' ? transactions.length : 1;
    await askConsent(
      `Undo ${count === 1 ? 'the last installation' : `${count} installations`}?`,
      context.signal,
    );
  }
  const { lines, remarks } = await undo(root, which === 'all' ? which : (transactions.at(-1)?.number ?? 0));
  return {
    document: { root: root.path, undone: lines, remarks },
    text: [...lines, remarks || closingWords(lines)].join('\n'),
    exitCode: remarks ? EXIT_FINDINGS : 0,
  };
}
