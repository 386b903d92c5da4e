import type { CommandFacts, OptionFacts } from '../command-walk.js';

/** For fish 3 and newer. */
export function fishScript(commands: readonly CommandFacts[]): string {
  const paths = commands.slice(1).map(({ path }) => quoted(path));
  return `# vgpu: completions for fish, by \`vgpu completion fish\`
function __vgpu_at
    set -l place vgpu
    for word in (commandline -opc)[2..-1]
        # What follows is the program that vgpu runs.
        test "$word" = --; and return 1
        switch "$place $word"
            case ${paths.join(' ')}
                set place "$place $word"
        end
    end
    test "$place" = "$argv[1]"
end
${commands.flatMap(linesOf).join('\n')}
`;
}

function linesOf({ path, subcommands, arguments: args, options }: CommandFacts): string[] {
  const at = `complete -c vgpu -n ${quoted(`__vgpu_at ${quoted(path)}`)}`;
  return [
    ...subcommands.map(({ name, description }) => `${at} -f -a ${name} -d ${quoted(description)}`),
    ...args
      .filter(({ choices }) => choices.length > 0)
      .map(({ choices }) => `${at} -f -a ${quoted(choices.join(' '))}`),
    ...options.map((option) => `${at} ${optionWords(option)} -d ${quoted(option.description)}`),
  ];
}

function optionWords({ names, takesValue, choices }: OptionFacts): string {
  const words = names.map((name) => (name.startsWith('--') ? `-l ${name.slice(2)}` : `-s ${name.slice(1)}`));
  if (choices.length > 0) words.push(`-x -a ${quoted(choices.join(' '))}`);
  else if (takesValue) words.push('-r');
  return words.join(' ');
}

function quoted(text: string): string {
  return `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;
}
