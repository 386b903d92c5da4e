import { expect, it } from 'vitest';
import { reason, section, summary, withSection } from './gpu-report.mjs';

const results = [
  { title: 'vector_add', status: 'passed', duration: 12.4 },
  {
    title: 'a | b',
    status: 'failed',
    duration: 3,
    failureMessages: ['AssertionError: expected 1\n  at line 5'],
  },
  { title: 'left out', status: 'skipped', duration: null },
];
const run = { device: 'Some GPU, 8.0 GiB', date: '2026-01-31', results, benchmark: 'copies 0.9\n' };

it('counts as passed only what passed', () => {
  expect(summary(results)).toEqual({ passed: 1, failed: 1, skipped: 1 });
});

it('names the reason of a failure in one line', () => {
  expect(results.map(reason)).toEqual(['no reason given', 'AssertionError: expected 1', 'no reason given']);
});

it('writes a row for every program', () => {
  const text = section(run);
  expect(text).toContain('on 2026-01-31: Some GPU, 8.0 GiB. 1 passed, 1 failed, 1 skipped.');
  expect(text).toContain(
    '| vector_add | passed | 12 |\n| a \\| b | failed | 3 |\n| left out | skipped |  |\n',
  );
  expect(text).toContain('```\ncopies 0.9\n```');
});

it('replaces its own section of the page and nothing else', () => {
  const first = withSection('# Benchmarks\n\nOthers.\n', section(run));
  expect(first).toMatch(/^# Benchmarks\n\nOthers\.\n\n<!-- written/);
  const page = `${first}\nBehind it.\n`;
  const second = withSection(page, section({ ...run, date: '2027-02-01' }));
  expect(second).toBe(page.replace('2026-01-31', '2027-02-01'));
});
