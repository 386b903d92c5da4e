import { CliError } from '../errors.js';
import type { Outcome } from '../output/command.js';
import { appendConfirmation, readTransactions } from './journal.js';
import { SystemRoot } from './root.js';

/** `vgpu shim confirm`: the last installation stays. */
export function confirm(options: { root: string }): Outcome {
  const root = new SystemRoot(options.root);
  const last = readTransactions(root).at(-1);
  if (!last)
    throw new CliError('ERR_VGPU_SHIM_NOT_INSTALLED', 'nothing is installed, or it has been undone already');
  const done = { document: { root: root.path, transaction: last.number }, text: 'confirmed: the shim stays' };
  if (last.state === 'confirmed') return done;
  if (last.state === 'undoing') throw new CliError('ERR_VGPU_SHIM_UNDONE', 'too late: it is being undone');
  if (last.state !== 'unconfirmed') {
    throw new CliError('ERR_VGPU_SHIM_PENDING', `the last installation is not complete (${last.state})`, {
      remedy: 'vgpu shim rollback',
    });
  }
  appendConfirmation(root, last);
  return done;
}
