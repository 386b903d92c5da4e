import type { CommandFacts } from '../command-walk.js';
import { casePatterns, quoted } from './quote.js';

/** A function for zsh's completion system: `_vgpu` in a folder of `$fpath`, or sourced after `compinit`. */
export function zshScript(commands: readonly CommandFacts[]): string {
  return `#compdef vgpu
# vgpu: completions for zsh, by \`vgpu completion zsh\`
_vgpu() {
  local place=vgpu word
  local -a entries
  for word in \${words[2,CURRENT-1]}; do
    # What follows is the program that vgpu runs.
    if [[ $word == -- ]]; then
      _files
      return
    fi
    case "$place $word" in
      ${casePatterns(commands.map(({ path }) => path))}) place="$place $word" ;;
    esac
  done
  case "$place \${words[CURRENT-1]}" in
${commands.flatMap(valueCases).join('\n')}
  esac
  if [[ \${words[CURRENT]} == -* ]]; then
    case "$place" in
${commands.map(optionCase).join('\n')}
    esac
    _describe -o option entries
    return
  fi
  case "$place" in
${commands.map(wordCase).join('\n')}
  esac
  if (( \${#entries} )); then
    _describe word entries
  else
    _files
  fi
}
if [[ $zsh_eval_context[-1] == loadautofunc ]]; then
  _vgpu "$@"
else
  compdef _vgpu vgpu
fi
`;
}

function valueCases({ path, options }: CommandFacts): string[] {
  return options
    .filter(({ takesValue }) => takesValue)
    .map(({ names, choices }) => {
      const patterns = names.map((name) => quoted(`${path} ${name}`)).join('|');
      const values = `entries=(${choices.map(quoted).join(' ')}); _describe value entries; return`;
      return `    ${patterns}) ${choices.length === 0 ? '_files; return' : values} ;;`;
    });
}

function optionCase({ path, options }: CommandFacts): string {
  const entries = options.flatMap(({ names, description }) => names.map((name) => entry(name, description)));
  return `      ${quoted(path)}) entries=(${entries.join(' ')}) ;;`;
}

function wordCase({ path, subcommands, arguments: args }: CommandFacts): string {
  const entries = [
    ...subcommands.map(({ name, description }) => entry(name, description)),
    ...args.flatMap(({ choices }) => choices.map(quoted)),
  ];
  return `    ${quoted(path)}) entries=(${entries.join(' ')}) ;;`;
}

/** `_describe` takes the first colon for the end of the name. */
function entry(name: string, description: string): string {
  return quoted(`${name}:${description}`);
}
