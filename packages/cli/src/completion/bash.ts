import type { CommandFacts } from '../command-walk.js';
import { casePatterns, quoted } from './quote.js';

/** For bash 3.2 and newer. Where there is nothing to offer, bash completes names of files. */
export function bashScript(commands: readonly CommandFacts[]): string {
  return `# vgpu: completions for bash, by \`vgpu completion bash\`
_vgpu() {
  local current=\${COMP_WORDS[COMP_CWORD]} previous=\${COMP_WORDS[COMP_CWORD-1]} path=vgpu words='' i
  COMPREPLY=()
  for ((i = 1; i < COMP_CWORD; i++)); do
    # What follows is the program that vgpu runs.
    [[ \${COMP_WORDS[i]} == -- ]] && return
    case "$path \${COMP_WORDS[i]}" in
      ${casePatterns(commands.map(({ path }) => path))}) path="$path \${COMP_WORDS[i]}" ;;
    esac
  done
  case "$path $previous" in
${commands.flatMap(valueCases).join('\n')}
  esac
  case "$path" in
${commands.map(wordCase).join('\n')}
  esac
  COMPREPLY=($(compgen -W "$words" -- "$current"))
}
complete -o default -F _vgpu vgpu
`;
}

/** What an option takes: its choices, or files. */
function valueCases({ path, options }: CommandFacts): string[] {
  return options
    .filter(({ takesValue }) => takesValue)
    .map(({ names, choices }) => {
      const patterns = names.map((name) => quoted(`${path} ${name}`)).join('|');
      const values = `COMPREPLY=($(compgen -W ${quoted(choices.join(' '))} -- "$current")); return`;
      return `    ${patterns}) ${choices.length === 0 ? 'return' : values} ;;`;
    });
}

function wordCase({ path, subcommands, options, arguments: args }: CommandFacts): string {
  const words = [...subcommands.map(({ name }) => name), ...args.flatMap(({ choices }) => choices)];
  const names = options.flatMap((option) => option.names);
  return `    ${quoted(path)}) words=${quoted(words.join(' '))}; [[ $current == -* ]] && words=${quoted(names.join(' '))} ;;`;
}
