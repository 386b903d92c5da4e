#!/usr/bin/env node
import { Command, CommanderError } from 'commander';
import { cleanCommand } from './commands/clean.js';
import { computeCommand } from './commands/compute.js';
import { demoCommand } from './commands/demo.js';
import { doctorCommand } from './commands/doctor.js';
import { executorCommand } from './commands/executor.js';
import { fileCommand } from './commands/file/index.js';
import { psCommand } from './commands/ps.js';
import { profileCommand } from './commands/profile.js';
import { runCommand } from './commands/run.js';
import { shimCommand } from './commands/shim.js';
import { logsCommand, topCommand } from './commands/telemetry.js';
import { tortureCommand } from './commands/torture.js';
import { traceCommand } from './commands/trace.js';
import { CliError, describeError, EXIT_FAILED, EXIT_VGPU_FAILED, exitCodeOf } from './errors.js';

declare const VGPU_VERSION: string;

// What vgpu exits with when it fails or was called wrongly: commands that run a program keep clear of its exit codes.
let failureExitCode = EXIT_VGPU_FAILED;
const runningPrograms = ['run', 'trace', 'profile', 'demo'];

const program = new Command('vgpu')
  .description('Runs CUDA programs on machines without a GPU, and keeps arrays in files')
  .version(VGPU_VERSION)
  // Options after the program's name are the program's, even without `--`.
  .enablePositionalOptions()
  .showHelpAfterError('(vgpu --help lists commands and options)')
  .exitOverride()
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
  .hook('preSubcommand', (_, command) => {
    if (!runningPrograms.includes(command.name())) failureExitCode = EXIT_FAILED;
  });
inheritSettings(program);

try {
  await program.parseAsync();
} catch (error) {
  if (error instanceof CommanderError) {
    // commander has printed it. Zero for --help and --version; else usage, which must not look like an exit
    // code of the program that was to run.
    process.exitCode = error.exitCode === 0 ? 0 : failureExitCode;
    if (process.exitCode === EXIT_FAILED && process.argv.includes('--json')) await printMisuse(error.message);
  } else {
    process.stderr.write(describeError(error));
    process.exitCode = exitCodeOf(error, failureExitCode);
  }
}

function inheritSettings(parent: Command): void {
  for (const command of parent.commands) {
    command.copyInheritedSettings(parent);
    inheritSettings(command);
  }
}

/** Who asked for JSON gets JSON, also about options that make no sense. */
async function printMisuse(message: string): Promise<void> {
  const { errorDocument, jsonDocument } = await import('./output/json.js');
  const error = errorDocument(new CliError('ERR_VGPU_USAGE', message));
  process.stdout.write(jsonDocument(process.argv.slice(2, 4).join(' '), false, { error }));
}
