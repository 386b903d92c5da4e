// All commands, with their options and help. Nothing here does their work: that is imported when one is called.
import { Command } from 'commander';
import { examples } from './commands/arguments.js';
import { cleanCommand } from './commands/clean.js';
import { completionCommand } from './commands/completion.js';
import { computeCommand } from './commands/compute.js';
import { demoCommand } from './commands/demo.js';
import { doctorCommand } from './commands/doctor.js';
import { executorCommand } from './commands/executor.js';
import { fileCommand } from './commands/file/index.js';
import { helpCommand } from './commands/help.js';
import { profileCommand } from './commands/profile.js';
import { psCommand } from './commands/ps.js';
import { runCommand } from './commands/run.js';
import { shimCommand } from './commands/shim.js';
import { logsCommand, topCommand } from './commands/telemetry.js';
import { tortureCommand } from './commands/torture.js';
import { traceCommand } from './commands/trace.js';
import { stdout } from './output/stdout.js';
import { usageError } from './usage.js';

/** @param version what `vgpu --version` prints */
export function commandTree(version: string): Command {
  const program = new Command('vgpu')
    .description('Runs CUDA programs on machines without a GPU, and keeps arrays in files')
    .version(version)
    // Options after the program's name are the program's, even without `--`.
    .enablePositionalOptions()
    // Whoever catches it prints it, as every other error.
    .configureOutput({ outputError: () => {}, writeOut: (text) => stdout().write(text) })
    .addCommand(runCommand())
    .addCommand(traceCommand())
    .addCommand(profileCommand())
    .addCommand(demoCommand())
    .addCommand(executorCommand())
    .addCommand(psCommand())
    .addCommand(doctorCommand())
    .addCommand(shimCommand())
    .addCommand(fileCommand())
    .addCommand(computeCommand())
    .addCommand(topCommand())
    .addCommand(logsCommand())
    .addCommand(cleanCommand())
    .addCommand(tortureCommand())
    .addHelpText('after', examples('vgpu run -- ./program', 'vgpu doctor', 'vgpu help run'));
  // Completions are made from all the others.
  program.addCommand(completionCommand(() => program));
  inheritSettings(program);
  return program;
}

function inheritSettings(parent: Command): void {
  parent.exitOverride((error) => {
    // Help that was asked for, or that is the answer to a group of commands without one of them, is printed already.
    throw error.code.startsWith('commander.help') || error.exitCode === 0 ? error : usageError(parent, error);
  });
  if (parent.commands.length > 0) parent.addCommand(helpCommand(parent));
  for (const command of parent.commands) {
    command.copyInheritedSettings(parent);
    inheritSettings(command);
  }
}
