#!/usr/bin/env node
import { CommanderError } from 'commander';
import { commandTree } from './command-tree.js';
import { describeError, EXIT_FAILED, EXIT_VGPU_FAILED, exitCodeOf } from './errors.js';

import { stdout } from './output/stdout.js';
import { checkArguments, UsageError } from './usage.js';

declare const VGPU_VERSION: string;

// What vgpu exits with when it fails or was called wrongly: commands that run a program keep clear of its exit codes.
const runningPrograms = ['run', 'trace', 'profile', 'demo'];
let failureExitCode = EXIT_FAILED;
// Behind the first two of them it is the program that --json may be meant for, and a profile goes elsewhere.
let jsonOnStdout = process.argv.includes('--json');

const program = commandTree(VGPU_VERSION).hook('preSubcommand', (_, command) => {
  if (runningPrograms.includes(command.name())) {
    failureExitCode = EXIT_VGPU_FAILED;
    jsonOnStdout &&= command.name() === 'demo';
  }
  checkArguments(process.argv.slice(2));
});

try {
  await program.parseAsync();
} catch (error) {
  if (error instanceof CommanderError) {
    // Help, and commander has printed it: to stdout for --help, else to stderr because a command is missing.
    process.exitCode = error.exitCode === 0 ? 0 : failureExitCode;
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
  const command = cause instanceof UsageError && cause.command !== '' ? cause.command : words.join(' ');
  stdout().write(jsonDocument(command, false, { error: errorDocument(cause) }));
}
