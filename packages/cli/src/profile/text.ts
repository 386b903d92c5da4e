// A profile as people read it in a terminal.
import { formatBytes, formatCount } from '../output/bytes.js';
import { hottestLines, type Kernel, type Line, type ProfileDocument } from './document.js';

export function describeProfile(profile: ProfileDocument, lines: number): string {
  const { program, kernels, complete } = profile;
  const total = kernels.reduce((sum, { totalNs }) => sum + totalNs, 0);
  const launches = kernels.reduce((sum, kernel) => sum + kernel.launches, 0);
  const text = [
    `vgpu: profile of ${program}: ${counted(kernels.length, 'kernel')}, ${counted(launches, 'launch', 'launches')}, ${formatTime(total)}`,
    ...(complete ? [] : ['vgpu: a process of the program ended too early: its kernels are missing']),
    ...kernels.map((kernel) => describeKernel(kernel, total, lines)),
  ];
  return `${text.join('\n')}\n`;
}

function describeKernel(kernel: Kernel, total: number, lines: number): string {
  const { launches, failed, meanNs, leastNs, mostNs, totalNs, branches, divergentBranches } = kernel;
  const failures = failed > 0 ? `, ${failed} failed` : '';
  const process = kernel.process > 1 ? ` (process ${kernel.process})` : '';
  return [
    `\n${kernel.name}${process}`,
    `  time          ${formatTime(totalNs)}, ${percent(totalNs / (total || 1))} of all; mean ${formatTime(meanNs)}, ${formatTime(leastNs)} to ${formatTime(mostNs)}`,
    `  launches      ${formatCount(launches)}${failures}: ${kernel.shapes.map(describeShape).join(', ')}`,
    `  instructions  ${formatCount(kernel.warpInstructions)} of warps: ${describeMix(kernel)}`,
    `  divergence    ${kernel.activeLanes.toFixed(1)} of 32 lanes active; ${formatCount(divergentBranches)} of ${formatCount(branches)} branches diverged`,
    ...kernel.traffic.map(describeTraffic),
    ...(kernel.lines.length > 0 && lines > 0 ? ['  hottest lines, by warp instructions'] : []),
    ...hottestLines(kernel, lines).map(describeLine),
  ].join('\n');
}

function describeShape({ grid, block, launches }: Kernel['shapes'][number]): string {
  return `${launches > 1 ? `${launches} × ` : ''}${formatSize(grid)} blocks of ${formatSize(block)}`;
}

function describeMix({ instructions, warpInstructions }: Kernel): string {
  return [...instructions]
    .sort((a, b) => b.warpInstructions - a.warpInstructions)
    .map((count) => `${count.class} ${percent(count.warpInstructions / warpInstructions)}`)
    .join(', ');
}

function describeTraffic(traffic: Kernel['traffic'][number]): string {
  const { space, operation, requests, bytes, sectors, efficiency, bankConflicts } = traffic;
  const what = `  ${space} ${operation}`.padEnd(26);
  const moved =
    efficiency === null
      ? `${formatCount(bankConflicts)} bank conflicts`
      : `${formatCount(sectors)} sectors, efficiency ${percent(efficiency)}`;
  return `${what}${counted(requests, 'request')}, ${formatBytes(bytes)}, ${moved}`;
}

function describeLine({ warpInstructions, ptxLine, text, file, line }: Line): string {
  const source = file === undefined ? '' : `  ${file}:${line}`;
  return `  ${formatCount(warpInstructions).padStart(12)}  ${String(ptxLine).padStart(6)}  ${text}${source}`;
}

/** 1234567 → "1.23 ms". */
export function formatTime(nanoseconds: number): string {
  if (nanoseconds < 1e3) return `${Math.round(nanoseconds)} ns`;
  if (nanoseconds < 1e6) return `${(nanoseconds / 1e3).toPrecision(3)} µs`;
  if (nanoseconds < 1e9) return `${(nanoseconds / 1e6).toPrecision(3)} ms`;
  return `${(nanoseconds / 1e9).toFixed(2)} s`;
}

export function percent(ratio: number): string {
  return `${(ratio * 100).toFixed(1)} %`;
}

/** [4, 2, 1] → "4×2". */
export function formatSize(size: readonly [number, number, number]): string {
  const [x, y, z] = size;
  if (z !== 1) return `${x}×${y}×${z}`;
  return y === 1 ? `${x}` : `${x}×${y}`;
}

/** 1 → "1 kernel". */
export function counted(number: number, what: string, several = `${what}s`): string {
  return `${formatCount(number)} ${number === 1 ? what : several}`;
}
