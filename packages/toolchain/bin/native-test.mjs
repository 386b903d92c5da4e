#!/usr/bin/env node
// @ts-check
// Runs the native tests of the package in the current folder, after building the variant asked for:
// native-test [--sanitize address,undefined | --valgrind]
import { existsSync, mkdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { build, runOrExit, variantFromArguments } from '../src/native.mjs';
import { requireCommands } from '../src/system-packages.mjs';

const variant = variantFromArguments();
if (variant.name === 'valgrind') requireCommands(['valgrind']);
// Turbo has built the plain variant (perhaps out of its cache, without objects, so building again would
// start from nothing); the others are built here.
if (variant.name !== '' || !existsSync(join(variant.folder, 'CTestTestfile.cmake'))) build(variant);

mkdirSync('build/test-results', { recursive: true });
const results = `ctest${variant.name && `-${variant.name}`}.xml`;
runOrExit('ctest', [
  ...['--test-dir', variant.folder, '--output-on-failure', '--no-tests=error'],
  // Nothing may hang, but a busy machine is no failure; valgrind is some thirty times slower.
  ...['--timeout', variant.name === '' ? '600' : '1800'],
  ...['--output-junit', resolve('build/test-results', results)],
]);
