// A chart of ratios: a bar for each, from 1 to its value on a logarithmic axis, with a mark at its goal.
import type { Measured } from '../document.js';

type Quantity = Measured['quantities'][number];

const WIDTH = 760;
const ROW = 24;
const TOP = 28;
/** Where bars may be; left of them is what they are of, right of them the number. */
const [LEFT, RIGHT] = [390, 690];

const STYLE = `
text { font: 12px system-ui, sans-serif; fill: #24292f }
.axis { fill: #6e7781; text-anchor: middle }
.what { text-anchor: end }
line { stroke: #d0d7de }
.one { stroke: #6e7781 }
.bar { fill: #5470c6 }
.missed { fill: #d1722c }
.goal { stroke: #24292f; stroke-width: 2 }
@media (prefers-color-scheme: dark) {
  text { fill: #e6edf3 } .axis { fill: #8b949e } line { stroke: #30363d } .one { stroke: #8b949e }
  .bar { fill: #7c97e8 } .missed { fill: #e8975c } .goal { stroke: #e6edf3 }
}`;

/** @param ratios at least one, all above 0 */
export function chartOf(title: string, ratios: readonly Quantity[]): string {
  const values = ratios.flatMap(({ value, goal }) => (goal ? [value, limitOf(goal)] : [value]));
  const [low, high] = [
    Math.floor(Math.log10(Math.min(1, ...values))),
    Math.ceil(Math.log10(Math.max(1, ...values))),
  ];
  const decades = Math.max(1, high - low);
  const x = (ratio: number) => round(LEFT + ((Math.log10(ratio) - low) / decades) * (RIGHT - LEFT));
  const height = TOP + ratios.length * ROW + 8;
  const ticks = Array.from({ length: decades + 1 }, (_, index) => 10 ** (low + index)).map((ratio) => {
    const label = `<text class="axis" x="${x(ratio)}" y="16">${Number(ratio.toPrecision(1))}</text>`;
    return `${label}<line${ratio === 1 ? ' class="one"' : ''} x1="${x(ratio)}" x2="${x(ratio)}" y1="22" y2="${height - 6}"/>`;
  });
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" role="img">`,
    `<title>${escaped(title)}</title>`,
    `<style>${STYLE}</style>`,
    ...ticks,
    ...ratios.map((ratio, index) => row(ratio, TOP + index * ROW, x)),
    '</svg>\n',
  ].join('\n');
}

function row({ what, beside, value, goal, met }: Quantity, y: number, x: (ratio: number) => number): string {
  const name = escaped(beside === undefined ? what : `${what} ÷ ${beside}`);
  const [from, to] = [Math.min(x(1), x(value)), Math.max(x(1), x(value))];
  const parts = [
    `<text class="what" x="${LEFT - 10}" y="${y + 14}">${name}</text>`,
    `<rect class="${met === false ? 'missed' : 'bar'}" x="${from}" y="${y + 3}" width="${Math.max(1, round(to - from))}" height="14"/>`,
    `<text x="${RIGHT + 10}" y="${y + 14}">${numberText(value)}</text>`,
  ];
  if (goal) {
    const mark = x(limitOf(goal));
    parts.push(`<line class="goal" x1="${mark}" x2="${mark}" y1="${y}" y2="${y + 20}"/>`);
  }
  return parts.join('');
}

/** Three digits, without a zero that says nothing. */
export function numberText(value: number): string {
  const digits = value >= 1000 ? Math.round(value) : Number(value.toPrecision(3));
  return digits.toLocaleString('en-US', { maximumFractionDigits: 20 });
}

function limitOf(goal: NonNullable<Quantity['goal']>): number {
  return 'least' in goal ? goal.least : goal.most;
}

function round(pixels: number): number {
  return Number(pixels.toFixed(1));
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
}
