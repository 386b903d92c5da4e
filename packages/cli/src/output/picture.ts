// The picture of a file: one box per range, the higher the larger the range.

export interface Box {
  readonly name: string;
  readonly offset: number;
  readonly length: number;
  /** Ranges that nobody refers to are drawn hatched. */
  readonly empty?: boolean;
}

interface PictureOptions {
  readonly unicode: boolean;
  /** Lines that the largest range is given besides its own one. */
  readonly tallest?: number;
  formatLength(bytes: number): string;
}

const unicodeLines = {
  corners: ['┌', '├', '└'],
  across: '─',
  ends: ['┐', '┤', '┘'],
  side: '│',
  hatch: '░',
} as const;
const asciiLines = {
  corners: ['+', '+', '+'],
  across: '-',
  ends: ['+', '+', '+'],
  side: '|',
  hatch: '.',
} as const;

/** Ends with the offset of the file's end. Heights are proportional to lengths, but no box is without a line. */
export function drawPicture(boxes: readonly Box[], options: PictureOptions): string[] {
  if (boxes.length === 0) return [];
  const { unicode, tallest = 8, formatLength } = options;
  const lines = unicode ? unicodeLines : asciiLines;
  const end = Math.max(...boxes.map(({ offset, length }) => offset + length));
  const largest = Math.max(...boxes.map(({ length }) => length));
  const gutter = String(end).length;
  const names = boxes.map(({ name }) => name);
  const lengths = boxes.map(({ length }) => formatLength(length));
  const nameWidth = Math.max(...names.map((name) => name.length));
  const lengthWidth = Math.max(...lengths.map((length) => length.length));
  const inner = nameWidth + lengthWidth + 2;

  const rule = (place: 0 | 1 | 2, offset: number) =>
    `${String(offset).padStart(gutter)} ${lines.corners[place]}${lines.across.repeat(inner + 2)}${lines.ends[place]}`;
  const row = (content: string) => `${' '.repeat(gutter)} ${lines.side} ${content} ${lines.side}`;

  const picture = boxes.flatMap((box, index) => {
    const filler = (box.empty ? lines.hatch : ' ').repeat(inner);
    const extra = Math.round((tallest * box.length) / largest);
    const label = `${(names[index] ?? '').padEnd(nameWidth)}  ${(lengths[index] ?? '').padStart(lengthWidth)}`;
    return [
      rule(index === 0 ? 0 : 1, box.offset),
      row(label),
      ...Array.from({ length: extra }, () => row(filler)),
    ];
  });
  return [...picture, rule(2, end)];
}
