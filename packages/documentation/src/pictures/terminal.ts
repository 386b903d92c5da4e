// What a program has printed in a terminal, as an SVG picture.
import { escapeXml, type Theme } from './theme.js';

const CELL = { width: 8, height: 17 } as const;
const MARGIN = 16;
const FONT = 'ui-monospace, SFMono-Regular, Menlo, Consolas, "DejaVu Sans Mono", monospace';

interface Run {
  readonly text: string;
  /** Of the 256 colours, or the theme's own. */
  readonly colour: number | undefined;
}

/** @param output text, in which only colours of the 256 (`ESC[38;5;Nm`) and `ESC[0m` are understood; throws at others */
export function terminalPicture(title: string, output: string, theme: Theme): string {
  const lines = output.trimEnd().split('\n').map(runsOf);
  const columns = Math.max(...lines.map((runs) => runs.reduce((sum, { text }) => sum + [...text].length, 0)));
  const width = columns * CELL.width + 2 * MARGIN;
  const height = lines.length * CELL.height + 2 * MARGIN;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img">`,
    `<title>${escapeXml(title)}</title>`,
    `<rect x="0.5" y="0.5" width="${width - 1}" height="${height - 1}" rx="8" fill="${theme.background}" stroke="${theme.line}"/>`,
    `<g font-family="${escapeXml(FONT)}" font-size="13">`,
    ...lines.flatMap((runs, row) => textsOf(runs, row, theme)),
    '</g>',
    ...dotsOf(lines, theme),
    '</svg>',
    '',
  ].join('\n');
}

function runsOf(line: string): Run[] {
  const [first = '', ...rest] = line.split('\u001b');
  const coloured = rest.map((piece): Run => {
    const [, code = '', text = ''] = /^\[(0|38;5;\d+)m(.*)$/.exec(piece) ?? [];
    if (code === '')
      throw new Error(`an escape sequence that no picture is made of: ${JSON.stringify(piece)}`);
    return { text, colour: code === '0' ? undefined : Number(code.slice(5)) };
  });
  return [{ text: first, colour: undefined }, ...coloured].filter(({ text }) => text !== '');
}

/** Runs with their columns. */
function placed(runs: readonly Run[]): { run: Run; column: number }[] {
  let column = 0;
  return runs.map((run) => {
    const place = { run, column };
    column += [...run.text].length;
    return place;
  });
}

function textsOf(runs: readonly Run[], row: number, theme: Theme): string[] {
  const y = MARGIN + row * CELL.height + 13;
  return placed(runs).flatMap(({ run: { text, colour }, column }) => {
    const fill = colour === undefined ? theme.text : colourOf(colour, theme);
    // Word by word: not everything that shows pictures keeps spaces, and fonts have many widths.
    return [...text.matchAll(/\S+/g)]
      .filter(([word]) => !isBraille(word))
      .map(({ 0: word, index }) => {
        const x = MARGIN + (column + index) * CELL.width;
        const length = [...word].length * CELL.width;
        return `<text x="${x}" y="${y}" fill="${fill}" textLength="${length}">${escapeXml(word)}</text>`;
      });
  });
}

function isBraille(text: string): boolean {
  return /^[\u2800-\u28ff]+$/.test(text);
}

/** Fonts often lack braille characters, so their dots are drawn: one path for each colour. */
function dotsOf(lines: readonly (readonly Run[])[], theme: Theme): string[] {
  const paths = new Map<number | undefined, string>();
  lines.forEach((runs, row) => {
    for (const { run, column } of placed(runs)) {
      const dots = [...run.text].map((letter, index) => dotsIn(letter, row, column + index)).join('');
      if (dots !== '') paths.set(run.colour, (paths.get(run.colour) ?? '') + dots);
    }
  });
  return [...paths].map(([colour, path]) => {
    const stroke = colour === undefined ? theme.text : colourOf(colour, theme);
    return `<path d="${path}" stroke="${stroke}" stroke-width="3" stroke-linecap="round" fill="none"/>`;
  });
}

function dotsIn(letter: string, row: number, column: number): string {
  if (!isBraille(letter)) return '';
  const bits = (letter.codePointAt(0) ?? 0) - 0x2800;
  return Array.from({ length: 8 }, (_, bit) => {
    if ((bits & (1 << bit)) === 0) return '';
    // The six upper dots by columns, then the lowest row.
    const [right, down] = bit < 6 ? [Math.floor(bit / 3), bit % 3] : [bit - 6, 3];
    const x = MARGIN + column * CELL.width + 2 + 4 * right;
    return `M${x} ${MARGIN + row * CELL.height + 2 + 4 * down}h0`;
  }).join('');
}

/** The colour cube of xterm and its greys; the sixteen of the system are not used. */
function colourOf(index: number, theme: Theme): string {
  if (index < 16 || index > 255) throw new RangeError(`colour ${index}, which is not in 16 to 255`);
  const level = (step: number) => (step === 0 ? 0 : 55 + 40 * step);
  const cube = index - 16;
  const grey = 8 + 10 * (index - 232);
  const rgb =
    index >= 232
      ? [grey, grey, grey]
      : [Math.floor(cube / 36), Math.floor(cube / 6) % 6, cube % 6].map(level);
  return `rgb(${rgb.map((part) => Math.round(part * theme.brightness)).join(' ')})`;
}
