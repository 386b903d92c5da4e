// @ts-check
import { execFile } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { release } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { root } from './root.mjs';

const run = promisify(execFile);

/**
 * Turbo hashes files and variables, not the machine. Everything about the machine that changes what a native
 * build produces goes into one git-ignored file, which turbo.json names among the inputs.
 */
export async function writeNativeKey() {
  const [cc, cxx, cmake, nvcc] = await Promise.all([
    firstVersionLine(process.env.CC ?? 'cc'),
    firstVersionLine(process.env.CXX ?? 'c++'),
    firstVersionLine('cmake'),
    // nvcc prints its release in the last lines.
    versionOutput('nvcc').then((text) => /release [\d.]+, V[\d.]+/.exec(text)?.[0] ?? 'none'),
  ]);
  const key = {
    platform: process.platform,
    arch: process.arch,
    libc: libcVersion(),
    kernel: release().split('.').slice(0, 2).join('.'),
    node: process.versions.modules,
    cc,
    cxx,
    cmake,
    nvcc,
    // CMake's files hold absolute paths: what one checkout built is of no use in another.
    folder: root,
  };
  const path = join(root, '.native-key.json');
  const text = `${JSON.stringify(key, null, 2)}\n`;
  // Written only when it differs, or `workspace watch` would see a change in every round.
  if (readIfThere(path) !== text) writeFileSync(path, text);
}

function libcVersion() {
  // Node's report is the cheapest way to the C library's version; musl has no such field.
  const report = /** @type {{ header: { glibcVersionRuntime?: string } }} */ (process.report.getReport());
  return report.header.glibcVersionRuntime ? `glibc ${report.header.glibcVersionRuntime}` : 'other';
}

/** @param {string} command */
async function firstVersionLine(command) {
  return (await versionOutput(command)).split('\n', 1)[0] || 'none';
}

/** @param {string} command */
async function versionOutput(command) {
  try {
    return (await run(command, ['--version'])).stdout;
  } catch {
    return '';
  }
}

/** @param {string} path */
function readIfThere(path) {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}
