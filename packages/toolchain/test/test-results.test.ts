import { describe, expect, it } from 'vitest';
import { ctestCounts, vitestCounts } from '../src/test-results.mjs';

const testcase = (status: string, output: string) =>
  `<testcase name="x" classname="x" time="0.1" status="${status}"><system-out>${output}</system-out></testcase>`;
const doctest = (passed: number, failed: number) =>
  `[doctest] test cases:  ${passed + failed} |  ${passed} passed | ${failed} failed | 0 skipped\n`;

describe('ctest results', () => {
  it('counts the cases inside a doctest program', () => {
    expect(ctestCounts(testcase('run', doctest(12, 0)) + testcase('fail', doctest(3, 2)))).toEqual({
      passed: 15,
      failed: 2,
      skipped: 0,
    });
  });

  it('counts any other program once', () => {
    expect(ctestCounts(testcase('run', 'ok') + testcase('fail', 'no') + testcase('notrun', ''))).toEqual({
      passed: 1,
      failed: 1,
      skipped: 1,
    });
  });

  it('does not miss a crash after the last passed case', () => {
    expect(ctestCounts(testcase('fail', `${doctest(5, 0)}AddressSanitizer: heap-use-after-free`))).toEqual({
      passed: 5,
      failed: 1,
      skipped: 0,
    });
  });
});

describe('vitest results', () => {
  it('counts a file that does not load as failed', () => {
    const report = {
      ...{ numPassedTests: 4, numFailedTests: 1, numPendingTests: 2, numTodoTests: 1 },
      testResults: [
        { status: 'failed', assertionResults: [] },
        { status: 'failed', assertionResults: [{}] },
        { status: 'passed', assertionResults: [{}] },
      ],
    };
    expect(vitestCounts(JSON.stringify(report))).toEqual({ passed: 4, failed: 2, skipped: 3 });
  });
});
