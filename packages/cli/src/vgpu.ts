#!/usr/bin/env node
import { Command, CommanderError } from 'commander';
import { demoCommand } from './commands/demo.js';
import { runCommand } from './commands/run.js';
import { describeError, EXIT_VGPU_FAILED, exitCodeOf } from './errors.js';

declare const VGPU_VERSION: string;

const program = new Command('vgpu')
  .description('Runs CUDA programs on machines without a GPU')
  .version(VGPU_VERSION)
  // Options after the program's name are the program's, even without `--`.
  .enablePositionalOptions()
  .showHelpAfterError('(vgpu --help lists commands and options)')
  .exitOverride()
  .addCommand(runCommand())
  .addCommand(demoCommand());
for (const command of program.commands) command.copyInheritedSettings(program);

try {
  await program.parseAsync();
} catch (error) {
  if (error instanceof CommanderError) {
    // commander has printed it. Zero for --help and --version; else usage, which must not look like an exit
    // code of the program that was to run.
    process.exitCode = error.exitCode === 0 ? 0 : EXIT_VGPU_FAILED;
  } else {
    process.stderr.write(describeError(error));
    process.exitCode = exitCodeOf(error);
  }
}
