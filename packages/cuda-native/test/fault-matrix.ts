// What came of each fault at each point of each operation, as a document.

export interface FaultCell {
  readonly fault: string;
  readonly point: string;
  readonly operation: string;
  /** What the caller got, and the state of the breaker afterwards. */
  readonly seen: string;
}

export class FaultMatrix {
  readonly #points: readonly string[];
  readonly #cells: FaultCell[] = [];

  constructor(points: readonly string[]) {
    this.#points = points;
  }

  get size(): number {
    return this.#cells.length;
  }

  /** Only of a cell whose checks have all passed. */
  add(cell: FaultCell): void {
    this.#cells.push(cell);
  }

  toMarkdown(): string {
    const count = this.#cells.length.toLocaleString('en');
    return `# The matrix of faults

Written by \`pnpm --filter @vgpu/cuda-native test:faults\`; all of its ${count} cells passed. Each cell is an operation in a session of its
own, with one fault injected at one point ([When the GPU fails](when-the-gpu-fails.md#faults-on-purpose)). Checked each time:
the result, which is that of the CPU path, or the GPU's own error for a mistake of the caller; the state of the breaker; one
line in the log (none for a mistake of the caller); no memory left on the GPU, neither by the session's counters nor by the executor's.

## What each fault leads to

For every operation: what the caller gets, and the breaker afterwards.

${this.#table(
  'fault',
  ({ fault }) => fault,
  (cells) => [...new Set(cells.map(({ seen }) => seen))].join(' or '),
)}
## What was tried of each operation

How many faults.

${this.#table(
  'operation',
  ({ operation }) => operation,
  (cells) => String(cells.length),
)}
\`fill\` copies nothing in. A library that is missing is so from the start: of that fault there is the probe alone.
`;
  }

  #table(
    title: string,
    rowOf: (cell: FaultCell) => string,
    show: (cells: readonly FaultCell[]) => string,
  ): string {
    const rows = [...new Set(this.#cells.map(rowOf))];
    const line = (columns: readonly string[]) => `| ${columns.join(' | ')} |\n`;
    const shown = (row: string, point: string) => {
      const cells = this.#cells.filter((cell) => rowOf(cell) === row && cell.point === point);
      return cells.length === 0 ? '–' : show(cells);
    };
    return [
      line([title, ...this.#points]),
      line([title, ...this.#points].map(() => '---')),
      ...rows.map((row) => line([row, ...this.#points.map((point) => shown(row, point))])),
    ].join('');
  }
}
