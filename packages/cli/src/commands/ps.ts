import { Command } from 'commander';
import { EXIT_STATUS, jsonOption, positiveArgument } from './arguments.js';
import { executorOption } from './executor.js';

interface PsOptions {
  executor?: string;
  interval: number;
  watch?: boolean;
  json?: boolean;
}

/** `vgpu ps`: who uses the executor. */
export function psCommand(): Command {
  return new Command('ps')
    .description('list the clients of an executor: memory, kernels and calls per second')
    .addOption(executorOption())
    .option('--interval <seconds>', 'over which kernels and calls are counted', positiveArgument, 1)
    .option('--watch', 'again and again until cancelled')
    .addOption(jsonOption())
    .addHelpText('after', `${EXIT_STATUS}\n${EXAMPLES}`)
    .action(async (options: PsOptions) => {
      const [{ runCommand }, { ps }] = await Promise.all([
        import('../output/command.js'),
        import('../ps/ps.js'),
      ]);
      await runCommand('ps', options, (context) => ps(options, context));
    });
}

const EXAMPLES = `
Examples:
  vgpu ps
  vgpu ps --executor unix:/run/vgpu.sock --watch`;
