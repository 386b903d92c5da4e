#!/usr/bin/env node
// @ts-check
// Prints one line, `N passed, N failed, N skipped`, of all test results below packages/.
import { root } from '../src/root.mjs';
import { sumTestResults } from '../src/test-results.mjs';

const { passed, failed, skipped, missing } = sumTestResults(root);
for (const name of missing)
  process.stdout.write(`packages/${name}: its tests left no result, counted as failed\n`);
process.stdout.write(`${passed} passed, ${failed + missing.length} failed, ${skipped} skipped\n`);
