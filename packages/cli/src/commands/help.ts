// `vgpu help shim install` for `vgpu shim install --help`.
import { Command } from 'commander';
import { unknownCommand } from '../usage.js';

/** For a command that has commands. */
export function helpCommand(parent: Command): Command {
  return new Command('help')
    .description('display help for a command')
    .argument('[command...]')
    .helpOption(false)
    .action((words: readonly string[]) => {
      let command = parent;
      for (const word of words) {
        const found = command.commands.find((one) => one.name() === word);
        if (found === undefined) throw unknownCommand(command, word);
        command = found;
      }
      command.outputHelp();
    });
}
