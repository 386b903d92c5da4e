import { execFile } from 'node:child_process';
import { mkdirSync, renameSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { Executor } from '@vgpu/executor';
import { findNvcc } from '@vgpu/toolchain/cuda';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { guestEnvironment } from '../guest-environment.js';

const PROGRAMS = ['cub_sort', 'cub_reduce', 'cub_select', 'thrust_sort', 'thrust_algorithms'];
const SIZES = ['0', '1', '31', '33', '1000', '1000003'];
const TIMEOUT_MS = 40 * 60 * 1000;
const OUTPUT = join(import.meta.dirname, '..', '..', 'build', 'cub');

const nvcc = findNvcc();
let executor: Executor;

beforeAll(async () => {
  if (!nvcc) process.stderr.write('Thrust and CUB are skipped: nvcc is not installed\n');
  executor = await Executor.start({ gpu: 'software' });
});
afterAll(() => executor?.stop());

function changed(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0;
}

/** Compiling takes minutes: what is newer than its sources is used again. */
async function build(name: string): Promise<string> {
  if (!nvcc) throw new Error('nvcc is not installed');
  mkdirSync(OUTPUT, { recursive: true });
  const program = join(OUTPUT, name);
  const source = join(import.meta.dirname, `${name}.cu`);
  const sources = [source, join(import.meta.dirname, 'compare.h')];
  if (changed(program) > Math.max(...sources.map(changed))) return program;
  const flags = ['-O2', '-cudart', 'shared', '-gencode', 'arch=compute_80,code=compute_80'];
  const unfinished = `${program}.unfinished`;
  await promisify(execFile)(nvcc, [...flags, '-o', unfinished, source]);
  renameSync(unfinished, program);
  return program;
}

describe.skipIf(!nvcc)('Thrust and CUB, as they are in the toolkit', { timeout: TIMEOUT_MS }, () => {
  it.each(PROGRAMS)('%s', async (name) => {
    const program = await build(name);
    const env = guestEnvironment(executor.url);
    const { stdout } = await promisify(execFile)(program, SIZES, { env, timeout: TIMEOUT_MS });
    process.stderr.write(stdout);
    expect(stdout).toMatch(/^ok .*6 sizes up to 1000003/);
  });
});
