#!/usr/bin/env node
// @ts-check
// Makes the PTX files that the repository keeps anew: cuda-ptx SOURCE.cu TARGET.ptx
import { writeFileSync } from 'node:fs';
import { findNvcc, makePtx } from '../src/cuda.mjs';

const [source, target] = process.argv.slice(2);
const nvcc = findNvcc();
if (!source || !target || !nvcc) {
  process.stderr.write(nvcc ? 'usage: cuda-ptx SOURCE.cu TARGET.ptx\n' : 'vgpu: nvcc is not installed\n');
  process.exit(1);
}
writeFileSync(target, makePtx(nvcc, source));
