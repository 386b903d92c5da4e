// @ts-check
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** @typedef {{ passed: number, failed: number, skipped: number }} Counts */

const linesOfAFailure = 12;

/**
 * Adds up what vitest and ctest have written below `packages/*`.
 *
 * @param {string} root
 * @returns {Counts & { missing: string[] }} missing: packages whose tests left no result at all
 */
export function sumTestResults(root) {
  const total = { passed: 0, failed: 0, skipped: 0 };
  const missing = [];
  for (const name of readdirSync(join(root, 'packages'))) {
    const folder = join(root, 'packages', name);
    const manifest = readIfThere(join(folder, 'package.json'));
    if (!manifest || !JSON.parse(manifest).scripts?.test) continue;
    const results = join(folder, 'build/test-results');
    const files = filesIn(results);
    if (files.length === 0) missing.push(name);
    for (const file of files) {
      const text = readFileSync(join(results, file), 'utf8');
      add(total, file.endsWith('.json') ? vitestCounts(text) : ctestCounts(text));
    }
  }
  return { ...total, missing };
}

/** @param {string} json */
export function vitestCounts(json) {
  const report = JSON.parse(json);
  // A file that does not even load is a failed suite with no tests in it.
  const broken = report.testResults.filter(
    (/** @type {{ status: string, assertionResults: unknown[] }} */ file) =>
      file.status === 'failed' && file.assertionResults.length === 0,
  ).length;
  return {
    passed: report.numPassedTests,
    failed: report.numFailedTests + broken,
    skipped: report.numPendingTests + report.numTodoTests,
  };
}

/**
 * What failed and the first lines of why.
 *
 * @param {string} root
 * @returns {string[]}
 */
export function listFailures(root) {
  const failures = [];
  for (const name of readdirSync(join(root, 'packages'))) {
    const results = join(root, 'packages', name, 'build/test-results');
    for (const file of filesIn(results)) {
      const text = readFileSync(join(results, file), 'utf8');
      const found = file.endsWith('.json') ? vitestFailures(text) : ctestFailures(text);
      failures.push(...found.map((failure) => `packages/${name}: ${failure}`));
    }
  }
  return failures;
}

/** @param {string} json */
export function vitestFailures(json) {
  /** @typedef {{ status: string, fullName: string, failureMessages: string[] }} Assertion */
  /** @type {{ testResults: { name: string, status: string, message: string, assertionResults: Assertion[] }[] }} */
  const report = JSON.parse(json);
  return report.testResults.flatMap(({ name, status, message, assertionResults }) => {
    const failed = assertionResults.filter((assertion) => assertion.status === 'failed');
    if (failed.length === 0) return status === 'failed' ? [`${name}\n${beginning(message)}`] : [];
    return failed.map(
      ({ fullName, failureMessages }) => `${name}: ${fullName}\n${beginning(failureMessages.join('\n'))}`,
    );
  });
}

/**
 * doctest says ERROR where a check fails; of a program that says it nowhere the end tells most.
 *
 * @param {string} xml
 */
export function ctestFailures(xml) {
  return [...xml.matchAll(/<testcase name="([^"]*)"[^>]*status="fail"[^>]*>([\s\S]*?)<\/testcase>/g)].map(
    ([, name, output = '']) => {
      const error = /(?:^.*\n){0,4}.*ERROR:[\s\S]*/m.exec(output)?.[0];
      return `${name}\n${error ? beginning(error) : output.split('\n').slice(-linesOfAFailure).join('\n')}`;
    },
  );
}

/** @param {string} text */
function beginning(text) {
  return text.split('\n').slice(0, linesOfAFailure).join('\n');
}

/**
 * A program that uses doctest holds many test cases and says how many; any other program is one test.
 *
 * @param {string} xml
 */
export function ctestCounts(xml) {
  const total = { passed: 0, failed: 0, skipped: 0 };
  for (const [testcase, attributes = ''] of xml.matchAll(/<testcase\b([^>]*)>[\s\S]*?<\/testcase>/g)) {
    const status = /\bstatus="(\w+)"/.exec(attributes)?.[1];
    const cases = /test cases:\s*\d+ \|\s*(\d+) passed \|\s*(\d+) failed \|\s*(\d+) skipped/.exec(testcase);
    if (status === 'notrun' || status === 'disabled') total.skipped += 1;
    else if (cases)
      add(total, { passed: Number(cases[1]), failed: Number(cases[2]), skipped: Number(cases[3]) });
    else total[status === 'run' ? 'passed' : 'failed'] += 1;
    // A crash or a sanitizer's report may come after doctest has counted.
    if (cases && status === 'fail' && Number(cases[2]) === 0) total.failed += 1;
  }
  return total;
}

/**
 * @param {Counts} total
 * @param {Counts} part
 */
function add(total, part) {
  total.passed += part.passed;
  total.failed += part.failed;
  total.skipped += part.skipped;
}

/** @param {string} path */
function readIfThere(path) {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}

/** @param {string} folder */
function filesIn(folder) {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}
