import { Argument, Command } from 'commander';
import { stdout } from '../output/stdout.js';
import { EXIT_STATUS, examples } from './arguments.js';

const shells = ['bash', 'zsh', 'fish'] as const;
type Shell = (typeof shells)[number];

/** `vgpu completion SHELL`: the script that lets a shell complete vgpu's commands and options. */
export function completionCommand(program: () => Command): Command {
  return new Command('completion')
    .description('print a script that lets your shell complete commands and options')
    .addArgument(new Argument('<shell>', 'which one').choices(shells))
    .addHelpText('after', EXIT_STATUS + EXAMPLES)
    .action(async (shell: Shell) => {
      const { completionScript } = await import('../completion/scripts.js');
      stdout().write(completionScript(shell, program()));
    });
}

const EXAMPLES = examples(
  'source <(vgpu completion bash)',
  'vgpu completion zsh > ~/.zfunc/_vgpu',
  'vgpu completion fish > ~/.config/fish/completions/vgpu.fish',
);
