// What `pnpm test:gpu` says: the section of docs/benchmarks.md, and the lines at its end.

const BEGIN = '<!-- written by pnpm test:gpu -->';
const END = '<!-- end of what pnpm test:gpu writes -->';

export function summary(results) {
  const count = (status) => results.filter((result) => result.status === status).length;
  const passed = count('passed');
  const failed = count('failed');
  return { passed, failed, skipped: results.length - passed - failed };
}

/** The first line of why a test failed. */
export function reason({ failureMessages = [] }) {
  return (failureMessages[0] ?? 'no reason given').split('\n', 1)[0] ?? '';
}

/** The section, in Markdown. */
export function section({ device, date, results, benchmark }) {
  const { passed, failed, skipped } = summary(results);
  return [
    BEGIN,
    '## On a GPU',
    '',
    `\`pnpm test:gpu\` on ${date}: ${device}. ${passed} passed, ${failed} failed, ${skipped} skipped.`,
    '',
    '| program | result | milliseconds |',
    '|---|---|---|',
    ...results.map(
      ({ title, status, duration }) =>
        `| ${title.replaceAll('|', '\\|')} | ${status} | ${duration == null ? '' : Math.round(duration)} |`,
    ),
    '',
    'Transport:',
    '',
    '```',
    benchmark.trimEnd(),
    '```',
    END,
  ].join('\n');
}

/** The page with this section in the place of the one before; everything else stays. */
export function withSection(page, text) {
  const begin = page.indexOf(BEGIN);
  const end = page.indexOf(END, begin);
  if (begin < 0 || end < 0) return `${page.trimEnd()}${page.trim() === '' ? '' : '\n\n'}${text}\n`;
  return page.slice(0, begin) + text + page.slice(end + END.length);
}
