import { describe, expect, it } from 'vitest';
import { ctestCounts, ctestFailures, vitestCounts, vitestFailures } from '../src/test-results.mjs';

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

describe('what failed', () => {
  it('is the check of doctest with what stands above it, or else the end of the output', () => {
    const check = 'a_test.cpp:3:\nTEST CASE:  adds\n\na_test.cpp:5: ERROR: CHECK( 1 == 2 ) is NOT correct!\n';
    const crash = [...Array.from({ length: 40 }, (_, line) => `line ${line}`), 'AddressSanitizer: leak'].join(
      '\n',
    );
    const [first, second, ...others] = ctestFailures(
      testcase('run', 'ERROR: expected') + testcase('fail', `start\n${check}`) + testcase('fail', crash),
    );
    expect(first).toContain('TEST CASE:  adds');
    expect(first).toContain('CHECK( 1 == 2 )');
    expect(second).toMatch(/^x\nline 29\n/);
    expect(second).toContain('AddressSanitizer: leak');
    expect(others).toEqual([]);
  });

  it('is the name of the test with its message, or the file that does not load', () => {
    const report = {
      testResults: [
        { name: 'a.test.ts', status: 'failed', message: 'no such module', assertionResults: [] },
        {
          ...{ name: 'b.test.ts', status: 'failed', message: '' },
          assertionResults: [
            { status: 'passed', fullName: 'adds', failureMessages: [] },
            {
              status: 'failed',
              fullName: 'divides',
              failureMessages: ['expected 1 to be 2\n at b.test.ts:4'],
            },
          ],
        },
      ],
    };
    expect(vitestFailures(JSON.stringify(report))).toEqual([
      'a.test.ts\nno such module',
      'b.test.ts: divides\nexpected 1 to be 2\n at b.test.ts:4',
    ]);
  });
});
