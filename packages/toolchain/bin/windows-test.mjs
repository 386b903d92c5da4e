#!/usr/bin/env node
// @ts-check
// Builds the package in the current folder for Windows and runs its tests under Wine, on Linux:
// windows-test [--if-installed] [--build-only] [-R PATTERN]
//
// --if-installed: without a cross compiler and Wine it says so and succeeds, instead of installing them.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { missingWindowsCommands, prepareWindows, stopWine } from '../src/windows.mjs';

const { values } = parseArgs({
  options: {
    'if-installed': { type: 'boolean', default: false },
    'build-only': { type: 'boolean', default: false },
    'tests-regex': { type: 'string', short: 'R' },
  },
});
const folder = join('build', 'native-windows');

const missing = missingWindowsCommands();
if (values['if-installed'] && missing.length > 0) {
  process.stdout.write(`vgpu: Windows tests skipped: ${missing.join(', ')} not installed\n`);
} else {
  try {
    process.exitCode = test();
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : error}\n`);
    process.exitCode = 1;
  } finally {
    stopWine();
  }
}

/** Returns the exit status. */
function test() {
  const definitions = [...prepareWindows(folder), '-DCMAKE_BUILD_TYPE=RelWithDebInfo'];
  mkdirSync('build/test-results', { recursive: true });
  const built =
    run('cmake', ['-S', '.', '-B', folder, '-G', 'Ninja', '--log-level=WARNING', ...definitions]) ||
    run('cmake', ['--build', folder, '--parallel']);
  if (built !== 0 || values['build-only']) return built;
  const status = run('ctest', [
    ...['--test-dir', folder, '--output-on-failure', '--no-tests=error', '--timeout', '300'],
    ...['--output-junit', resolve('build/test-results/ctest-windows.xml')],
    ...(values['tests-regex'] ? ['--tests-regex', values['tests-regex']] : []),
  ]);
  reportGaps();
  return status;
}

/** ctest keeps quiet about tests that pass, also about what they could not test. */
function reportGaps() {
  const log = join(folder, 'Testing/Temporary/LastTest.log');
  if (!existsSync(log)) return;
  const gaps = readFileSync(log, 'utf8').match(/not tested: .*/g) ?? [];
  for (const gap of new Set(gaps)) process.stdout.write(`${gap}\n`);
}

/**
 * @param {string} command
 * @param {string[]} args
 */
function run(command, args) {
  // Wine waits for ever for a terminal that it cannot have.
  const { status, error } = spawnSync(command, args, { stdio: ['ignore', 'inherit', 'inherit'] });
  if (error) throw error;
  return status ?? 1;
}
