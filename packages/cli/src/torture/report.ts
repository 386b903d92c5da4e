// The verdict.
import { EXIT_FINDINGS } from '../errors.js';
import { formatBytes, formatCount } from '../output/bytes.js';
import type { Outcome } from '../output/command.js';
import type { Tally } from './memory.js';

/** Empty when all is well. */
export function problemsOf({ plan, after, pagesWrong, pagesChecked, notReturned }: Tally): string[] {
  const problems: string[] = [];
  if (after.rssPeak >= plan.rssLimit) {
    problems.push(`RSS reached ${formatBytes(after.rssPeak)}, the limit is ${formatBytes(plan.rssLimit)}`);
  }
  if (pagesWrong > 0) {
    problems.push(
      `${formatCount(pagesWrong)} of ${formatCount(pagesChecked)} pages did not hold what was written`,
    );
  }
  if (notReturned > 0)
    problems.push(`${formatBytes(notReturned)} stayed in memory after they had been given back`);
  return problems;
}

export function tortureOutcome(tally: Tally): Outcome {
  const { plan, before, after, seconds } = tally;
  const problems = problemsOf(tally);
  const passed = problems.length === 0;
  const speed = (kind: 'anonymous' | 'file') =>
    `${formatBytes(plan.each)} in ${seconds[kind].toFixed(1)} s, ${formatBytes(Math.round(plan.each / seconds[kind]))}/s`;
  const factor = ((2 * plan.each) / plan.memory).toFixed(1);
  return {
    exitCode: passed ? 0 : EXIT_FINDINGS,
    document: {
      passed,
      problems,
      memoryBytes: plan.memory,
      scratchBytes: 2 * plan.each,
      chunkBytes: plan.chunk,
      directory: plan.directory,
      seconds,
      rss: { start: before.rss, peak: after.rssPeak, end: after.rss, limit: plan.rssLimit },
      pageCache: { start: before.pageCache, peak: tally.pageCachePeak, end: after.pageCache },
      notReturnedBytes: tally.notReturned,
      pages: { checked: tally.pagesChecked, wrong: tally.pagesWrong },
    },
    text: [
      `memory torture ${passed ? 'passed' : 'FAILED'}: ${formatBytes(2 * plan.each)} of scratch, ` +
        `${factor} times ${formatBytes(plan.memory)} of memory, in chunks of ${formatBytes(plan.chunk)}`,
      `  anonymous    ${speed('anonymous')}`,
      `  file-backed  ${speed('file')}, in ${plan.directory}`,
      `  RSS          ${formatBytes(before.rss)} at the start, at most ${formatBytes(after.rssPeak)} ` +
        `(limit ${formatBytes(plan.rssLimit)}), ${formatBytes(after.rss)} at the end`,
      `  page cache   ${formatBytes(before.pageCache)} before, at most ${formatBytes(tally.pageCachePeak)}, ` +
        `${formatBytes(after.pageCache)} after; ${formatBytes(tally.notReturned)} of ours not returned`,
      `  contents     ${formatCount(tally.pagesChecked)} pages read back, ${formatCount(tally.pagesWrong)} wrong`,
      ...problems.map((problem) => `  problem: ${problem}`),
    ].join('\n'),
  };
}
