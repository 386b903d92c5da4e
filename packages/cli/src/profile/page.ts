// A profile as one HTML file that needs nothing else: no script, no network.
import { formatBytes, formatCount } from '../output/bytes.js';
import { type Bar, barChart, escapeHtml } from './charts.js';
import { hottestLines, type Kernel, type Line, type ProfileDocument, SECTOR_BYTES } from './document.js';
import { PAGE_STYLE } from './page-style.js';
import { counted, formatSize, formatTime, percent } from './text.js';

/** More would make the page of a large program slow to open. */
const MOST_LINES = 400;
const OPEN_KERNELS = 3;

export function profilePage(profile: ProfileDocument): string {
  const { program, args, kernels, complete } = profile;
  const launches = kernels.reduce((sum, kernel) => sum + kernel.launches, 0);
  const total = kernels.reduce((sum, { totalNs }) => sum + totalNs, 0);
  const warning = '<p class="warning">A process of the program ended too early: its kernels are missing.</p>';
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; img-src data:">
<link rel="icon" href="data:,">
<title>Profile of ${escapeHtml(program)}</title>
<style>${PAGE_STYLE}</style>
</head>
<body>
<main>
<h1>Profile of <code>${escapeHtml([program, ...args].join(' '))}</code></h1>
<p>${counted(kernels.length, 'kernel')}, ${counted(launches, 'launch', 'launches')}, ${formatTime(total)} on the software GPU.
Counts are exact; times are those of the profiled run.</p>
${complete ? '' : warning}
<section class="time">
<h2>Time by kernel</h2>
${barChart(kernels.map((kernel) => timeBar(kernel, total)))}
</section>
${kernels.map(kernelSection).join('\n')}
</main>
</body>
</html>
`;
}

function timeBar({ name, totalNs, launches }: Kernel, total: number): Bar {
  const share = percent(totalNs / (total || 1));
  return {
    label: name,
    value: totalNs,
    text: `${formatTime(totalNs)}, ${share}, ${counted(launches, 'launch', 'launches')}`,
  };
}

function kernelSection(kernel: Kernel, index: number): string {
  const { name, traffic, lines } = kernel;
  return `<details class="kernel"${index < OPEN_KERNELS ? ' open' : ''}>
<summary><h2>${escapeHtml(name)}</h2></summary>
<dl class="facts">${facts(kernel)
    .map(([term, text]) => `<div><dt>${term}</dt><dd>${escapeHtml(text)}</dd></div>`)
    .join('')}</dl>
<section class="mix">
<h3>Instructions of warps, by class</h3>
${barChart(mixBars(kernel))}
</section>
${traffic.length > 0 ? `<section class="traffic">\n<h3>Memory traffic</h3>\n${barChart(traffic.map(trafficBar))}\n</section>` : ''}
${lines.length > 0 ? listing(kernel) : ''}
</details>`;
}

function facts(kernel: Kernel): [string, string][] {
  const { launches, failed, meanNs, leastNs, mostNs, shapes, activeLanes, branches, divergentBranches } =
    kernel;
  return [
    ['Launches', `${formatCount(launches)}${failed > 0 ? `, ${formatCount(failed)} failed` : ''}`],
    [
      'Blocks',
      shapes.map(({ grid, block }) => `${formatSize(grid)} of ${formatSize(block)} threads`).join('; '),
    ],
    ['Mean time', `${formatTime(meanNs)} (${formatTime(leastNs)} to ${formatTime(mostNs)})`],
    ['Active lanes', `${activeLanes.toFixed(1)} of 32`],
    ['Diverged', `${formatCount(divergentBranches)} of ${formatCount(branches)} branches`],
  ];
}

function mixBars({ instructions, warpInstructions }: Kernel): Bar[] {
  return [...instructions]
    .sort((a, b) => b.warpInstructions - a.warpInstructions)
    .map((count) => ({
      label: count.class,
      value: count.warpInstructions,
      text: `${formatCount(count.warpInstructions)}, ${percent(count.warpInstructions / warpInstructions)}`,
    }));
}

/** As long as what was moved, the part darker that was asked for. */
function trafficBar(traffic: Kernel['traffic'][number]): Bar {
  const { space, operation, requests, bytes, sectors, efficiency, bankConflicts } = traffic;
  const label = `${space} ${operation}`;
  const asked = `${formatCount(requests)} requests for ${formatBytes(bytes)}`;
  if (efficiency === null) {
    return { label, value: bytes, text: `${asked}, ${formatCount(bankConflicts)} bank conflicts` };
  }
  const moved = sectors * SECTOR_BYTES;
  return {
    label,
    value: moved,
    part: Math.min(bytes, moved),
    text: `${asked}, ${formatBytes(moved)} moved, efficiency ${percent(efficiency)}`,
  };
}

function listing(kernel: Kernel): string {
  const shown = hottestLines(kernel, MOST_LINES);
  const hottest = shown[0]?.warpInstructions ?? 1;
  const left = kernel.lines.length - shown.length;
  shown.sort((a, b) => a.ptxLine - b.ptxLine);
  const cut = left > 0 ? `<p>The ${formatCount(left)} lines that were executed least are left out.</p>` : '';
  return `<section class="lines">
<h3>Lines of PTX that were executed</h3>
${cut}<div class="scroll" tabindex="0" role="region" aria-label="Lines of ${escapeHtml(kernel.name)}">
<table>
<thead><tr><th>Warps</th><th>Lanes</th><th>Line</th><th>PTX</th><th>Notes</th></tr></thead>
<tbody>
${shown.map((line) => listingRow(line, hottest)).join('\n')}
</tbody>
</table>
</div>
</section>`;
}

function listingRow(line: Line, hottest: number): string {
  const { ptxLine, text, warpInstructions, threadInstructions } = line;
  const heat = (warpInstructions / hottest).toFixed(3);
  const lanes = (threadInstructions / warpInstructions).toFixed(1);
  return `<tr style="--heat:${heat}"><td>${formatCount(warpInstructions)}</td><td>${lanes}</td><td>${ptxLine}</td><td><code>${escapeHtml(text)}</code></td><td>${escapeHtml(notes(line))}</td></tr>`;
}

function notes({ file, line, bytes, sectors, bankConflicts, divergentBranches }: Line): string {
  return [
    file === undefined ? '' : `${file}:${line}`,
    sectors > 0 ? `efficiency ${percent(bytes / (sectors * SECTOR_BYTES))}` : '',
    bankConflicts > 0 ? `${formatCount(bankConflicts)} bank conflicts` : '',
    divergentBranches > 0 ? `${formatCount(divergentBranches)} diverged` : '',
  ]
    .filter(Boolean)
    .join('; ');
}
