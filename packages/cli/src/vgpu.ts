#!/usr/bin/env node
import { CommanderError } from 'commander';
import { commandTree } from './command-tree.js';
import { CliError, describeError, EXIT_FAILED, EXIT_VGPU_FAILED, exitCodeOf } from './errors.js';

declare const VGPU_VERSION: string;

// What vgpu exits with when it fails or was called wrongly: commands that run a program keep clear of its exit codes.
const runningPrograms = ['run', 'trace', 'profile', 'demo'];
let failureExitCode = EXIT_FAILED;
// Behind the first two of them it is the program that --json may be meant for, and a profile goes elsewhere.
let jsonOnStdout = process.argv.includes('--json');

const program = commandTree(VGPU_VERSION).hook('preSubcommand', (_, command) => {
  if (!runningPrograms.includes(command.name())) return;
  failureExitCode = EXIT_VGPU_FAILED;
  jsonOnStdout &&= command.name() === 'demo';
});

try {
  await program.parseAsync();
} catch (error) {
  if (error instanceof CommanderError) {
    // commander has printed it. Zero for --help and --version; else usage, which must not look like an exit
    // code of the program that was to run.
    process.exitCode = error.exitCode === 0 ? 0 : failureExitCode;
    if (error.exitCode !== 0 && jsonOnStdout)
      await printFailure(new CliError('ERR_VGPU_USAGE', error.message));
  } else {
    process.stderr.write(describeError(error));
    process.exitCode = exitCodeOf(error, failureExitCode);
    if (jsonOnStdout) await printFailure(error);
  }
}

/** Who asked for JSON gets JSON, also about options that make no sense. */
async function printFailure(cause: unknown): Promise<void> {
  const { errorDocument, jsonDocument } = await import('./output/json.js');
  const words = process.argv.slice(2, 4).filter((word) => !word.startsWith('-'));
  process.stdout.write(jsonDocument(words.join(' '), false, { error: errorDocument(cause) }));
}
