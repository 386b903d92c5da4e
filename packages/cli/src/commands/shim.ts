import { Command } from 'commander';
import { EXIT_STATUS, jsonOption } from './arguments.js';

/** `vgpu shim`: the guest library in every process of a machine. */
export function shimCommand(): Command {
  return new Command('shim')
    .description('the guest library in every process of this machine')
    .addCommand(explainCommand());
}

function explainCommand(): Command {
  return new Command('explain')
    .description('why a process has a device, will have one, or never has')
    .argument('<process>', 'the number of a running process, or the name or path of a program')
    .addOption(jsonOption())
    .addHelpText('after', `${EXIT_STATUS}\n${EXPLAIN_EXAMPLES}`)
    .action(async (process: string, options: { json?: boolean }) => {
      const [{ runCommand }, { explain }] = await Promise.all([
        import('../output/command.js'),
        import('../shim/explain.js'),
      ]);
      await runCommand('shim explain', options, async () => explain(process));
    });
}

const EXPLAIN_EXAMPLES = `
Examples:
  vgpu shim explain 4711
  vgpu shim explain ollama
  vgpu shim explain /usr/bin/sudo --json`;
