#!/usr/bin/env node
// @ts-check
// Makes the PTX files that the repository keeps anew: cuda-ptx SOURCE.cu TARGET.ptx
// With --check it only says, by its exit status, whether the file is what this nvcc makes of the source.
import { readFileSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { findNvcc, incomparable, makePtx } from '../src/cuda.mjs';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { check: { type: 'boolean', default: false } },
});
const [source, target] = positionals;
const nvcc = findNvcc();
if (!source || !target) {
  process.stderr.write('usage: cuda-ptx [--check] SOURCE.cu TARGET.ptx\n');
  process.exit(1);
}
if (values.check) check(source, target);
else make(source, target);

/** @param {string} source @param {string} target */
function make(source, target) {
  if (!nvcc) {
    process.stderr.write('vgpu: nvcc is not installed\n');
    process.exit(1);
  }
  writeFileSync(target, makePtx(nvcc, source));
}

/** @param {string} source @param {string} target */
function check(source, target) {
  const made = nvcc && makePtx(nvcc, source);
  const kept = readFileSync(target, 'utf8');
  const reason = made ? incomparable(made, kept) : 'nvcc is not installed';
  if (reason) {
    process.stderr.write(`${target} is not compared with ${source}: ${reason}\n`);
  } else if (made !== kept) {
    process.stderr.write(`${target} is not what nvcc makes of ${source}: run cuda-ptx ${source} ${target}\n`);
    process.exit(1);
  }
}
