/** Those of `words` that somebody who wrote `word` may have meant: the same letters in another style, or two of them wrong. */
export function nearest(word: string, words: readonly string[]): readonly string[] {
  const bare = (text: string) => text.toLowerCase().replaceAll(/[-_ ]/g, '');
  const distances = words.map((each) => [each, distance(bare(word), bare(each))] as const);
  const least = Math.min(...distances.map(([, far]) => far));
  // Of three letters two wrong ones are another word.
  if (least > 2 || least * 2 >= bare(word).length) return [];
  return distances.filter(([, far]) => far === least).map(([each]) => each);
}

/** Letters to put in, take out or exchange. */
function distance(from: string, to: string): number {
  let row = Array.from({ length: to.length + 1 }, (_, column) => column);
  for (const [line, letter] of [...from].entries()) {
    const next = [line + 1];
    for (let column = 1; column <= to.length; column++) {
      const exchanged = (row[column - 1] ?? 0) + (letter === to[column - 1] ? 0 : 1);
      next.push(Math.min(exchanged, (row[column] ?? 0) + 1, (next[column - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[to.length] ?? 0;
}
