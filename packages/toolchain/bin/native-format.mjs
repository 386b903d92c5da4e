#!/usr/bin/env node
// @ts-check
// Checks the layout of all C, C++ and CUDA files of the workspace, or with --write puts it right.
import { spawnSync } from 'node:child_process';
import { runOrExit } from '../src/native.mjs';
import { root } from '../src/root.mjs';
import { requireCommands } from '../src/system-packages.mjs';

const SOURCES = ['*.c', '*.cc', '*.cpp', '*.h', '*.hpp', '*.cu', '*.cuh'];

requireCommands(['clang-format']);
process.chdir(root);
// Files that git ignores are not ours to format; new ones that are not committed yet are.
const listing = spawnSync(
  'git',
  ['ls-files', '-z', '--cached', '--others', '--exclude-standard', '--', ...SOURCES],
  {
    encoding: 'utf8',
  },
);
if (listing.status !== 0) {
  process.stderr.write(`vgpu: git ls-files failed: ${listing.error ?? listing.stderr}\n`);
  process.exit(1);
}
const files = listing.stdout.split('\0').filter((file) => file && !file.includes('/generated/'));
const mode = process.argv.includes('--write') ? ['-i'] : ['--dry-run', '-Werror'];
if (files.length > 0) runOrExit('clang-format', [...mode, ...files]);
