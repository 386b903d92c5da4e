// What commander and the system find wrong with a command line, in the form of all other errors.
import { readFileSync } from 'node:fs';
import type { Command, CommanderError } from 'commander';
import { CliError } from './errors.js';
import { nearest } from './nearest.js';

export class UsageError extends CliError {
  /** The command that was called wrongly, without `vgpu`: "file inspect"; empty for `vgpu` itself. */
  readonly command: string;

  constructor(command: string, message: string, remedy: string) {
    super('ERR_VGPU_USAGE', message, { remedy });
    this.command = command;
  }
}

/** What commander throws for a wrong call of `command`; it has printed nothing. */
export function usageError(command: Command, { message }: CommanderError): UsageError {
  const [, complaint = '', suggestion] =
    /^(?:error: )?(.*?)(?:\n\(Did you mean (.*)\?\))?$/s.exec(message) ?? [];
  return wrongCall(command, complaint, suggestion);
}

export function unknownCommand(parent: Command, word: string): UsageError {
  const names = parent.commands.map((one) => one.name());
  return wrongCall(parent, `unknown command '${word}'`, nearest(word, names).join(' or ') || undefined);
}

function wrongCall(command: Command, complaint: string, suggestion: string | undefined): UsageError {
  const help = `see \`${path(command)} --help\``;
  return new UsageError(
    path(command).split(' ').slice(1).join(' '),
    complaint,
    suggestion === undefined ? help : `did you mean ${suggestion}? Else ${help}`,
  );
}

function path(command: Command): string {
  return command.parent === null ? command.name() : `${path(command.parent)} ${command.name()}`;
}

const REPLACEMENT = '\uFFFD';

/**
 * Node reads arguments as UTF-8 and replaces what is none, so the file or the argument that is meant cannot be named any more.
 * @throws UsageError when that has happened
 */
export function checkArguments(words: readonly string[], bytes = commandLine): void {
  if (!words.some((word) => word.includes(REPLACEMENT))) return;
  try {
    new TextDecoder('utf-8', { fatal: true }).decode(bytes());
  } catch {
    const word = words.find((each) => each.includes(REPLACEMENT));
    throw new UsageError(
      '',
      `an argument is not UTF-8: ${word}`,
      'rename the file, or reach it by a link with another name',
    );
  }
}

const commandLine = (): Uint8Array => readFileSync('/proc/self/cmdline');
