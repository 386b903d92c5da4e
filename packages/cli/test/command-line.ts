// Command lines of vgpu, as people write them.
import type { Command } from 'commander';
import { commandTree } from '../src/command-tree.js';

/** Parses a command line as vgpu does, and does nothing but show help. What commander finds wrong is in `error`. */
export async function parse(
  words: readonly string[],
): Promise<{ stdout: string; stderr: string; error: unknown }> {
  const program = commandTree('0.0.0');
  let [stdout, stderr] = ['', ''];
  const muffle = (command: Command): void => {
    command.configureOutput({
      writeOut: (text) => {
        stdout += text;
      },
      writeErr: (text) => {
        stderr += text;
      },
    });
    if (command.commands.length === 0 && command.name() !== 'help') command.action(() => {});
    command.commands.forEach(muffle);
  };
  muffle(program);
  const error = await program.parseAsync([...words], { from: 'user' }).then(
    () => undefined,
    (caught: unknown) => caught,
  );
  return { stdout, stderr, error };
}

/** The calls of vgpu in a line for a shell. */
export function callsIn(line: string): string[][] {
  const withoutComment = line.replace(/ {2,}(#|then ).*$/, '');
  const pieces = withoutComment.split(/&&|\||[<>$"]*\(|\)"?|>/);
  const words = pieces.map((piece) =>
    piece
      .trim()
      .split(/\s+/)
      .filter((word) => word !== 'sudo'),
  );
  return words
    .filter(([first]) => first === 'vgpu')
    .map(([, ...rest]) => rest.map((word) => word.replace(/^'|'$/g, '')));
}
