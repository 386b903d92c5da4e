// The commands as plain data, for what is generated from them: completions, the man page, the reference.
import { EventEmitter } from 'node:events';
import type { Command, Option } from 'commander';

export interface CommandFacts {
  /** Its words, such as `vgpu file inspect`. */
  readonly path: string;
  readonly description: string;
  /** What follows the path: options and arguments. */
  readonly usage: string;
  readonly subcommands: readonly { readonly name: string; readonly description: string }[];
  readonly arguments: readonly {
    readonly name: string;
    readonly description: string;
    readonly choices: readonly string[];
  }[];
  readonly options: readonly OptionFacts[];
  /** What `--help` says behind the lists: notes, exit status, examples. */
  readonly notes: string;
}

export interface OptionFacts {
  /** As in the help: `-o, --output <file>`. */
  readonly flags: string;
  readonly names: readonly string[];
  readonly description: string;
  readonly choices: readonly string[];
  readonly takesValue: boolean;
}

/** `command` and everything below it, each before its subcommands. */
export function walk(command: Command, parents: readonly string[] = []): CommandFacts[] {
  const words = [...parents, command.name()];
  const help = command.createHelp();
  const subcommands = help.visibleCommands(command).filter((one) => one.name() !== 'help');
  const facts: CommandFacts = {
    path: words.join(' '),
    description: command.description(),
    usage: command.usage(),
    subcommands: subcommands.map((one) => ({ name: one.name(), description: one.description() })),
    arguments: command.registeredArguments.map((argument) => ({
      name: argument.name(),
      description: argument.description,
      choices: argument.argChoices ?? [],
    })),
    options: help
      .visibleOptions(command)
      .map((option) => optionFacts(option, help.optionDescription(option))),
    notes: notesOf(command),
  };
  return [facts, ...subcommands.flatMap((one) => walk(one, words))];
}

function optionFacts(option: Option, description: string): OptionFacts {
  return {
    flags: option.flags,
    names: [option.short, option.long].filter((name) => name !== undefined),
    description,
    choices: option.argChoices ?? [],
    takesValue: option.required || option.optional,
  };
}

function notesOf(command: Command): string {
  let notes = '';
  const write = (text: string) => {
    notes += text;
  };
  // As --help does it. That commands are emitters their types do not say.
  if (command instanceof EventEmitter) command.emit('afterHelp', { error: false, command, write });
  return notes.trim();
}

/** The lines of a command's help that show it at work. */
export function examplesOf({ notes }: CommandFacts): string[] {
  const [, block = ''] = /^Examples:\n((?: {2}.*\n?)+)/m.exec(notes) ?? [];
  return block
    .split('\n')
    .map((line) => line.trim())
    .filter(Boolean);
}
