// @ts-check
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { findCommand } from './system-packages.mjs';

/**
 * A native package is built once per variant, each in a folder of its own below `build/`, so that a sanitizer
 * run does not throw the ordinary objects away.
 *
 * @typedef {{ folder: string, definitions: string[], name: string }} Variant
 */

/** Reads `--sanitize LIST` (or VGPU_SANITIZE) and `--valgrind`, which every native-* command understands. */
export function variantFromArguments() {
  const { values } = parseArgs({
    options: { sanitize: { type: 'string' }, valgrind: { type: 'boolean', default: false } },
  });
  const sanitize = values.sanitize ?? process.env.VGPU_SANITIZE;
  if (values.valgrind)
    return variant('valgrind', ['-DVGPU_VALGRIND=ON', '-DCMAKE_BUILD_TYPE=RelWithDebInfo']);
  if (sanitize) {
    return variant(sanitize.replaceAll(',', '-'), [
      `-DVGPU_SANITIZE=${sanitize.replaceAll(',', ';')}`,
      '-DCMAKE_BUILD_TYPE=Debug',
    ]);
  }
  return variant('', ['-DCMAKE_BUILD_TYPE=RelWithDebInfo']);
}

/**
 * @param {string} name
 * @param {string[]} definitions
 * @returns {Variant}
 */
function variant(name, definitions) {
  return { name, definitions, folder: join('build', name ? `native-${name}` : 'native') };
}

/**
 * Configures and builds the package in the current folder.
 * @param {Variant} variant
 */
export function build(variant) {
  if (isAddon()) configureAddon(variant);
  else configure(variant);
  runOrExit('cmake', ['--build', variant.folder, '--parallel']);
}

/** @param {Variant} variant */
function configure({ folder, definitions }) {
  // An existing folder keeps its generator: CMake refuses to change it.
  const generator =
    !existsSync(join(folder, 'CMakeCache.txt')) && findCommand('ninja') ? ['-G', 'Ninja'] : [];
  runOrExit('cmake', ['-S', '.', '-B', folder, ...generator, '--log-level=WARNING', ...definitions]);
}

/** Addons are configured by cmake-js, which knows where the headers of the Node API are. */
function isAddon() {
  const { devDependencies = {} } = JSON.parse(readFileSync('package.json', 'utf8'));
  return 'cmake-js' in devDependencies;
}

/** @param {Variant} variant */
function configureAddon({ folder, definitions }) {
  runOrExit(join('node_modules', '.bin', 'cmake-js'), [
    ...['configure', '--log-level', 'error', '--out', folder, '--CDCMAKE_MESSAGE_LOG_LEVEL=WARNING'],
    ...definitions.map((definition) => definition.replace(/^-D/, '--CD')),
  ]);
}

/**
 * @param {string} command
 * @param {string[]} args
 */
export function runOrExit(command, args) {
  const result = spawnSync(command, args, { stdio: 'inherit' });
  if (result.error) {
    process.stderr.write(`vgpu: cannot run ${command}: ${result.error.message}\n`);
    process.exit(1);
  }
  if (result.status !== 0) process.exit(result.status ?? 1);
}
