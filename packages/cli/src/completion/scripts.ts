// Completions for shells, made from the commands themselves.
import type { Command } from 'commander';
import { type CommandFacts, walk } from '../command-walk.js';
import { bashScript } from './bash.js';
import { fishScript } from './fish.js';
import { zshScript } from './zsh.js';

const scripts = { bash: bashScript, zsh: zshScript, fish: fishScript } satisfies Record<
  string,
  (commands: readonly CommandFacts[]) => string
>;

export function completionScript(shell: keyof typeof scripts, program: Command): string {
  return scripts[shell](walk(program));
}
