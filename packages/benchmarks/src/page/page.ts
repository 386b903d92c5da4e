// The page of all that was measured in one run, and its charts.
import type { BenchmarkDocument, Measured } from '../document.js';
import { chartOf, numberText } from './chart.js';

export interface Page {
  readonly markdown: string;
  /** By the name of the file in docs/images. */
  readonly charts: ReadonlyMap<string, string>;
}

const INTRODUCTION = `# Measured

<!-- Generated from packages/benchmarks/measured.json by \`pnpm codegen\`: measure anew with \`pnpm bench --json -o packages/benchmarks/measured.json\`. -->

All that \`pnpm bench\` measures, in one run. What the numbers mean, and what stands in the way of goals that are not met, is in
[benchmarks.md](../benchmarks.md).
`;

/** @param run undefined: none is kept */
export function pageOf(run: BenchmarkDocument | undefined): Page {
  if (run === undefined) {
    const how =
      'No run is kept yet: `pnpm bench --json -o packages/benchmarks/measured.json`, then `pnpm codegen`.';
    return { markdown: `${INTRODUCTION}\n${how}\n`, charts: new Map() };
  }
  const charts = new Map<string, string>();
  const sections = run.benchmarks.map((measured) => {
    const ratios = measured.quantities.filter(({ unit, value }) => unit === '×' && value > 0);
    const file = `measured-${measured.name.replaceAll(' ', '-')}.svg`;
    if (ratios.length > 0) charts.set(file, chartOf(`Ratios: ${measured.name}`, ratios));
    return sectionOf(measured, ratios.length > 0 ? file : undefined);
  });
  return { markdown: [INTRODUCTION, machineOf(run), ...sections].join('\n'), charts };
}

function machineOf({ machine, startedAt }: BenchmarkDocument): string {
  const gibibytes = (machine.memoryBytes / 2 ** 30).toFixed(0);
  return `${machine.processor}, ${machine.logicalProcessors} logical processors, ${gibibytes} GiB; ${machine.system}, Linux
${machine.kernel}, Node ${machine.node}; ${startedAt.slice(0, 10)}. On average ${machine.load.toFixed(1)} other processes wanted to run when
it began. Bars go from 1 to the ratio; the mark is the goal, and orange is a goal that was not met.
`;
}

function sectionOf(
  { name, command, seconds, error, skipped, quantities }: Measured,
  chart: string | undefined,
): string {
  const heading = `## ${name}\n\n\`${command}\`, ${seconds.toFixed(0)} s\n`;
  if (error !== undefined) return `${heading}\nIt failed:\n\n\`\`\`text\n${error}\n\`\`\`\n`;
  if (skipped !== undefined) return `${heading}\nNot measured: ${skipped}\n`;
  const picture = chart === undefined ? '' : `\n![Ratios of ${name}](../images/${chart})\n`;
  return `${heading}${picture}\n${tableOf(quantities)}`;
}

function tableOf(quantities: Measured['quantities']): string {
  const rows = quantities.map(({ what, beside, value, unit, goal, met }) => {
    const limit = goal && ('least' in goal ? `≥ ${numberText(goal.least)}` : `≤ ${numberText(goal.most)}`);
    const verdict = limit === undefined ? '' : `${limit}, ${met ? 'met' : '**not met**'}`;
    return `| ${[what, beside ?? '', `${numberText(value)} ${unit}`, verdict].map(cell).join(' | ')} |`;
  });
  return `| what | beside | measured | goal |\n|---|---|---|---|\n${rows.join('\n')}\n`;
}

function cell(text: string): string {
  return text.replaceAll('|', '\\|').replaceAll('<', '&lt;');
}
