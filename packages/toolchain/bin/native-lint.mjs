#!/usr/bin/env node
// @ts-check
// Runs clang-tidy over every file that the package in the current folder compiles. A file that is compiled for several
// instruction sets is looked at for each, but walked through path by path, which takes minutes, only for the last of them.
import { execFile } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join, relative } from 'node:path';
import { promisify } from 'node:util';
import { variantFromArguments } from '../src/native.mjs';
import { requireCommands } from '../src/system-packages.mjs';

const run = promisify(execFile);

requireCommands(['clang-tidy']);
const { folder } = variantFromArguments();
const database = /** @type {{ file: string }[]} */ (
  JSON.parse(readFileSync(join(folder, 'compile_commands.json'), 'utf8'))
);
// Generated code is its generator's business.
const ours = database.filter(({ file }) => {
  const path = relative(process.cwd(), file);
  return !path.startsWith('..') && !path.startsWith('build') && !path.includes('generated/');
});
const last = new Map(ours.map((command) => [command.file, command]));
const passes = [
  pass('lint-last', [...last.values()], []),
  pass(
    'lint-others',
    ours.filter((command) => last.get(command.file) !== command),
    ['--checks=-clang-analyzer-*'],
  ),
];

let failed = false;
const queue = passes.flat();
await Promise.all(Array.from({ length: availableParallelism() }, worker));
process.stdout.write(`clang-tidy: ${last.size} files\n`);
process.exit(failed ? 1 : 0);

/**
 * What to run for these commands, which get a database of their own since clang-tidy takes all that name a file.
 *
 * @param {string} name
 * @param {{ file: string }[]} commands
 * @param {string[]} options
 */
function pass(name, commands, options) {
  const path = join(folder, name);
  mkdirSync(path, { recursive: true });
  writeFileSync(join(path, 'compile_commands.json'), JSON.stringify(commands));
  const files = [...new Set(commands.map(({ file }) => file))].sort();
  return files.map((file) => ['-p', path, ...options, file]);
}

async function worker() {
  for (let options = queue.shift(); options; options = queue.shift()) {
    try {
      // GCC's warning names are unknown to clang, which would complain about each.
      await run('clang-tidy', ['--quiet', '--extra-arg=-Wno-unknown-warning-option', ...options]);
    } catch (error) {
      failed = true;
      const { stdout = '', stderr = '' } = /** @type {{ stdout?: string, stderr?: string }} */ (error);
      process.stdout.write(`${stdout}${stdout ? '' : stderr}`);
    }
  }
}
