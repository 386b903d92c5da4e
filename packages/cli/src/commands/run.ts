import { Command, Option } from 'commander';
import type { GpuChoice } from '../run/executor.js';

interface RunOptions {
  gpu?: GpuChoice;
  executor?: string;
  quiet?: boolean;
}

/** `vgpu run -- PROGRAM`: the program sees a GPU; everything else about it stays as it was. */
export function runCommand(): Command {
  return new Command('run')
    .description('run a CUDA program on a GPU that need not be in this machine')
    .usage('[options] -- PROGRAM [ARGUMENTS...]')
    .addOption(
      new Option(
        '--gpu <kind>',
        'auto: the real GPU where there is one, else the software GPU (default: auto)',
      )
        .choices(['auto', 'real', 'software'])
        .conflicts('executor'),
    )
    .option(
      '--executor <url>',
      'use this running executor, e.g. unix:/run/vgpu.sock (default: $VGPU_EXECUTOR)',
    )
    .option('--quiet', 'do not say which device serves')
    .argument('<program>', 'what to run; found through PATH like in a shell')
    .argument('[arguments...]', "the program's own arguments")
    .passThroughOptions()
    .addHelpText('after', EXIT_CODES)
    .action(async (program: string, args: string[], options: RunOptions) => {
      const { run } = await import('../run/run.js');
      await run({
        program,
        args,
        quiet: options.quiet ?? false,
        ...(options.gpu && { gpu: options.gpu }),
        ...(options.executor && { executor: options.executor }),
      });
    });
}

const EXIT_CODES = `
Exit status: the program's own. When it dies of a signal, vgpu dies of the same one.
  125  vgpu itself failed, or was called wrongly
  126  the program cannot be executed
  127  the program was not found`;
