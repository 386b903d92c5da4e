/** The libraries that a list such as /etc/ld.so.preload names: white space and colons separate, '#' begins a comment. */
export function preloadEntries(text: string): string[] {
  return text.split('\n').flatMap((line) =>
    line
      .replace(/#.*/, '')
      .split(/[\s:]+/)
      .filter(Boolean),
  );
}
