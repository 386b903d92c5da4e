import { CliError } from '../errors.js';

/** Shows the demo; the result is the exit code. */
export async function runDemo(): Promise<number> {
  throw new CliError('ERR_VGPU_NOT_IMPLEMENTED', 'the demo is not there yet');
}
