import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { root } from '../src/pages.js';
import { terminalPicture } from '../src/pictures/terminal.js';
import { themes } from '../src/pictures/theme.js';

const [light, dark] = themes;
const ESCAPE = String.fromCharCode(27);

describe('a picture of a terminal', () => {
  if (light === undefined || dark === undefined) throw new Error('there are two themes');

  it('has each word in its column and colour', () => {
    const picture = terminalPicture('a < b', `one  ${ESCAPE}[38;5;196mtwo${ESCAPE}[0m\n a<b`, dark);
    expect(picture).toContain('<title>a &lt; b</title>');
    expect(picture).toContain(`<text x="16" y="29" fill="${dark.text}" textLength="24">one</text>`);
    expect(picture).toContain('<text x="56" y="29" fill="rgb(255 0 0)" textLength="24">two</text>');
    expect(picture).toContain(`<text x="24" y="46" fill="${dark.text}" textLength="24">a&lt;b</text>`);
  });

  it('draws the dots of braille characters', () => {
    // Dots 1 and 8: the upper left one and the lower right one.
    const picture = terminalPicture('', ` ${String.fromCodePoint(0x2881)}`, light);
    expect(picture).toContain(`d="M26 18h0M30 30h0" stroke="${light.text}"`);
    expect(picture).not.toContain('<text');
  });

  it('is not made where more than colours is asked for', () => {
    for (const code of ['[2K', '[31m', '[38;5;7m'])
      expect(() => terminalPicture('', `${ESCAPE}${code}x`, light)).toThrow(/escape sequence|colour 7/);
  });
});

it.each(themes)('the picture of the demo in the README shows a good run: $name', ({ name, background }) => {
  expect(readFileSync(join(root, 'README.md'), 'utf8')).toContain(`docs/images/demo-${name}.svg`);
  const words = readFileSync(join(root, `docs/images/demo-${name}.svg`), 'utf8')
    .split('\n')
    .map((line) => line.replace(/<[^>]*>/g, ''))
    .join(' ');
  expect(words).toMatch(/software GPU .*and TypeScript agree on all 41,412 points and 12 centres/);
  expect(readFileSync(join(root, `docs/images/demo-${name}.svg`), 'utf8')).toContain(`fill="${background}"`);
});
