import { CliError, describeError, EXIT_FAILED } from '../errors.js';

let listening = false;

/**
 * stdout, for results. That nobody reads on (`vgpu … | head`) is no error; that nothing can be written (a full disk) is one like
 * any other. Programs that vgpu runs have stdout to themselves: opening it here would change it for them, too.
 */
export function stdout(): NodeJS.WriteStream {
  if (!listening) {
    listening = true;
    process.stdout.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EPIPE') return;
      const code = error.code === 'ENOSPC' ? 'ERR_VGPU_NO_SPACE' : 'ERR_VGPU_FILE_IO';
      process.stderr.write(describeError(new CliError(code, `cannot write to stdout: ${error.message}`)));
      // The last word: the outcome that could not be written has set another one.
      process.once('exit', () => {
        process.exitCode = EXIT_FAILED;
      });
    });
  }
  return process.stdout;
}
