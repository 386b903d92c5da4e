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
  if (/^y(es)?$/i.test((await ask(`${question} [y/N] `, signal)).trim())) return;
  throw new CliError('ERR_VGPU_CANCELLED', 'nothing was changed', { exitCode: EXIT_CANCELLED });
}

/** The line that was typed; nothing when the terminal was closed instead. */
async function ask(question: string, signal: AbortSignal): Promise<string> {
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  try {
    return await new Promise<string>((resolve, reject) => {
      // The terminal is in raw mode: Ctrl-C is a character, and Ctrl-D would leave the question open for ever.
      terminal.once('SIGINT', () => process.kill(process.pid, 'SIGINT'));
      terminal.once('close', () => resolve(''));
      terminal.question(question, { signal }).then(resolve, reject);
    });
  } finally {
    terminal.close();
  }
}
