import { createInterface } from 'node:readline/promises';
import { CliError, EXIT_CANCELLED } from '../errors.js';

/**
 * Asks at the terminal.
 * @throws CliError ERR_VGPU_NEEDS_CONSENT where there is nobody to ask, ERR_VGPU_CANCELLED when the answer is no
 */
export async function askConsent(question: string, signal: AbortSignal): Promise<void> {
  if (!process.stdin.isTTY || !process.stderr.isTTY) {
    throw new CliError('ERR_VGPU_NEEDS_CONSENT', 'there is no terminal to ask at', {
      remedy: 'add --yes to agree beforehand, or --dry-run to see what would be done',
    });
  }
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  try {
    const answer = await terminal.question(`${question} [y/N] `, { signal });
    if (/^y(es)?$/i.test(answer.trim())) return;
  } finally {
    terminal.close();
  }
  throw new CliError('ERR_VGPU_CANCELLED', 'nothing was changed', { exitCode: EXIT_CANCELLED });
}
