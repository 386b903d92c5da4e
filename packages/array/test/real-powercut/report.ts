import { problemKinds } from './check.js';
import type { CutResult } from './cut-power.js';
import { survivals } from './disk-model.js';
import { steps } from './workload.js';

/** The figures of one file system; all are counts but the last. */
export type Figures = Readonly<Record<string, number>>;

export function figuresOf({ entries, flushes, cuts }: CutResult, seconds: number): Figures {
  const problems = cuts.flatMap((cut) => cut.problems);
  return {
    'requests in the log': entries,
    'of them flushes': flushes,
    'steps acknowledged': steps.length,
    'cut points': cuts.length,
    ...countBy(
      survivals,
      (survival) => `unflushed writes: ${survival}`,
      cuts.map(({ cut }) => cut.survival),
    ),
    'files checked': cuts.reduce((sum, cut) => sum + cut.files, 0),
    'step in flight not to be seen': cuts.filter((cut) => cut.inFlight === 'old').length,
    'step in flight seen whole': cuts.filter((cut) => cut.inFlight === 'new').length,
    'in-place updates repaired': cuts.reduce((sum, cut) => sum + cut.repaired, 0),
    ...countBy(
      problemKinds,
      (kind) => `problems: ${kind}`,
      problems.map((problem) => problem.kind),
    ),
    'cuts with problems': cuts.filter((cut) => cut.problems.length > 0).length,
    seconds: Math.round(seconds),
  };
}

function countBy<T extends string>(
  kinds: readonly T[],
  title: (kind: T) => string,
  found: readonly T[],
): Figures {
  return Object.fromEntries(kinds.map((kind) => [title(kind), found.filter((each) => each === kind).length]));
}

/** One column for each file system. */
export function formatTable(figures: ReadonlyMap<string, Figures>): string {
  const columns = [...figures.keys()];
  const rows = Object.keys([...figures.values()][0] ?? {});
  const width = Math.max(...rows.map((row) => row.length));
  const line = (title: string, cells: readonly string[]) =>
    [title.padEnd(width), ...cells.map((cell) => cell.padStart(9))].join(' ');
  const values = (row: string) => columns.map((column) => String(figures.get(column)?.[row] ?? 0));
  return [line('', columns), ...rows.map((row) => line(row, values(row)))].join('\n');
}
