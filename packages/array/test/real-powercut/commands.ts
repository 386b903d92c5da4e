import { spawnSync } from 'node:child_process';
import { PowercutError } from './errors.js';

/**
 * Runs a command to its end.
 * @returns its standard output
 * @throws PowercutError ERR_VGPU_POWERCUT_COMMAND with what it wrote, where it failed
 */
export function runCommand(command: string, args: readonly string[], folder?: string): string {
  const result = spawnSync(command, args, { cwd: folder, encoding: 'utf8', maxBuffer: 64 * 2 ** 20 });
  if (result.status === 0) return result.stdout;
  const said = result.error?.message ?? (result.stderr || result.stdout || '').trim();
  throw new PowercutError(
    'ERR_VGPU_POWERCUT_COMMAND',
    `${[command, ...args].join(' ')} failed with ${result.status ?? result.signal ?? 'no status'}: ${said}`,
    { remedy: 'Run it by hand to see why.', cause: result.error },
  );
}
