import { describe, expect, it } from 'vitest';
import { LineSplitter } from '../src/lines.js';

const split = (chunks: readonly Buffer[]): string[] => {
  const lines: string[] = [];
  const splitter = new LineSplitter((line) => lines.push(line));
  for (const chunk of chunks) splitter.push(chunk);
  splitter.end();
  return lines;
};

describe('LineSplitter', () => {
  it('does not care where the chunks end, not even inside a character', () => {
    const text = Buffer.from('one\ntwo – zwei\n\nfour');
    for (let cut = 0; cut <= text.length; cut += 1) {
      expect(split([text.subarray(0, cut), text.subarray(cut)])).toEqual(['one', 'two – zwei', '', 'four']);
    }
  });

  it('makes no line of nothing', () => {
    expect(split([])).toEqual([]);
    expect(split([Buffer.from('one\n')])).toEqual(['one']);
  });
});
