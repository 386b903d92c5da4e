import { MAP_HEIGHT, MAP_WIDTH, type ZipCodes } from './zip-codes.js';

/** Twelve colours of the 256-colour palette that differ well on dark and on light backgrounds. */
const COLOURS_256 = [196, 39, 226, 46, 201, 208, 51, 129, 118, 213, 178, 69];
/** The same number from the 16 colours that every terminal has. */
const COLOURS_16 = [91, 94, 93, 92, 95, 33, 96, 35, 32, 31, 36, 34];
const LETTERS = 'abcdefghijklmnopqrstuvwxyz';

/** `none` draws a letter for each cluster instead of coloured dots. */
export type Palette = 'none' | '16' | '256';

/** Text in the colour of a cluster, or as many of the cluster's letter. */
export function mark(cluster: number, palette: Palette, text = '●'): string {
  if (palette === 'none') return (LETTERS[cluster % LETTERS.length] as string).repeat(text.length);
  const code =
    palette === '256'
      ? `38;5;${COLOURS_256[cluster % COLOURS_256.length]}`
      : `${COLOURS_16[cluster % COLOURS_16.length]}`;
  return `\x1b[${code}m${text}\x1b[0m`;
}

interface Cell {
  /** One bit for each of the 2 × 4 dots of a braille character. */
  dots: number;
  /** Points of each cluster. */
  counts: Map<number, number>;
}

/** The bits of U+2800 by column and row. */
const BRAILLE_DOTS = [
  [0x01, 0x02, 0x04, 0x40],
  [0x08, 0x10, 0x20, 0x80],
] as const;

/** Draws the points as a map, `columns` characters wide, north at the top. */
export function drawMap(
  points: Pick<ZipCodes, 'x' | 'y'>,
  assignment: Int32Array,
  columns: number,
  palette: Palette,
): string[] {
  // A character is about twice as high as wide, so its 2 × 4 dots are nearly square.
  const scale = (columns * 2) / MAP_WIDTH;
  const rows = Math.ceil((MAP_HEIGHT * scale) / 4);
  const cells = Array.from({ length: rows }, () => new Array<Cell | undefined>(columns));
  assignment.forEach((cluster, point) => {
    const dotX = Math.floor((points.x[point] ?? 0) * scale);
    const dotY = Math.floor((MAP_HEIGHT - (points.y[point] ?? 0)) * scale);
    const column = Math.min(dotX >> 1, columns - 1);
    const line = cells[Math.min(dotY >> 2, rows - 1)];
    if (!line) return;
    line[column] ??= { dots: 0, counts: new Map() };
    const cell = line[column];
    cell.dots |= BRAILLE_DOTS[dotX & 1 ? 1 : 0][dotY & 3] ?? 0;
    cell.counts.set(cluster, (cell.counts.get(cluster) ?? 0) + 1);
  });
  return trimEmpty(cells.map((line) => drawLine(line, palette)));
}

function drawLine(line: (Cell | undefined)[], palette: Palette): string {
  // Neighbours of the same cluster share one change of colour.
  const runs: { cluster: number | undefined; text: string }[] = [];
  for (const cell of Array.from(line)) {
    const cluster = cell && mostFrequent(cell.counts);
    const text = cell ? String.fromCodePoint(0x2800 + cell.dots) : ' ';
    const last = runs.at(-1);
    if (last && last.cluster === cluster) last.text += text;
    else runs.push({ cluster, text });
  }
  return runs
    .map(({ cluster, text }) => (cluster === undefined ? text : mark(cluster, palette, text)))
    .join('')
    .trimEnd();
}

function mostFrequent(counts: Map<number, number>): number {
  const [cluster] = [...counts].reduce((most, next) => (next[1] > most[1] ? next : most));
  return cluster;
}

function trimEmpty(lines: string[]): string[] {
  const first = lines.findIndex((line) => line !== '');
  const last = lines.findLastIndex((line) => line !== '');
  return first < 0 ? [] : lines.slice(first, last + 1);
}
