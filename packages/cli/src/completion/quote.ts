/** A word for bash and zsh. */
export function quoted(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}

/** Patterns of a `case` for the paths of all commands but the first, which has no word before it. */
export function casePatterns(paths: readonly string[]): string {
  return paths.slice(1).map(quoted).join('|');
}
