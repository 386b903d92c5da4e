#!/usr/bin/env node
// @ts-check
// Runs clang-tidy over every file that the package in the current folder compiles.
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
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
// A file compiled for two targets is in the database twice; generated code is its generator's business.
const files = [...new Set(database.map(({ file }) => relative(process.cwd(), file)))].filter(
  (file) => !file.startsWith('..') && !file.startsWith('build') && !file.includes('generated/'),
);

let failed = false;
const fileCount = files.length;
const queue = files.sort();
await Promise.all(Array.from({ length: availableParallelism() }, worker));
process.stdout.write(`clang-tidy: ${fileCount} files\n`);
process.exit(failed ? 1 : 0);

async function worker() {
  for (let file = queue.shift(); file; file = queue.shift()) {
    try {
      // GCC's warning names are unknown to clang, which would complain about each.
      await run('clang-tidy', ['-p', folder, '--quiet', '--extra-arg=-Wno-unknown-warning-option', file]);
    } catch (error) {
      failed = true;
      const { stdout = '', stderr = '' } = /** @type {{ stdout?: string, stderr?: string }} */ (error);
      process.stdout.write(`${stdout}${stdout ? '' : stderr}`);
    }
  }
}
