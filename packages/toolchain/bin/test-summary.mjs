#!/usr/bin/env node
// @ts-check
// Prints which tests below packages/ failed and why, and last one line, `N passed, N failed, N skipped`.
import { root } from '../src/root.mjs';
import { listFailures, sumTestResults } from '../src/test-results.mjs';

for (const failure of listFailures(root)) process.stdout.write(`${failure}\n`);
const { passed, failed, skipped, missing } = sumTestResults(root);
for (const name of missing)
  process.stdout.write(`packages/${name}: its tests left no result, counted as failed\n`);
process.stdout.write(`${passed} passed, ${failed + missing.length} failed, ${skipped} skipped\n`);
