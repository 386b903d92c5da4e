// pnpm test:samples -- --samples DIR [--filter TEXT] [--json] [--timeout SECONDS]: which of NVIDIA's cuda-samples
// build, run and verify under `vgpu run` on the software GPU. Results are kept in build/samples/results.json, so that
// --filter runs some of them again; once there is one for each sample, docs/cuda-samples.md is written.
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { guestLibrary } from '@vgpu/preload-shim';
import { findNvcc } from '@vgpu/toolchain/cuda';
import { build } from './build.js';
import { judge } from './judge.js';
import { findSamples, type Sample } from './sample.js';
import { readResults, writeResults } from './results.js';
import { type Row, table } from './table.js';

const root = resolve(import.meta.dirname, '../../../..');
const vgpu = join(import.meta.dirname, '../../dist/vgpu.js');
const output = join(import.meta.dirname, '../../build/samples');

const { values } = parseArgs({
  args: process.argv.slice(2).filter((argument) => argument !== '--'),
  options: {
    samples: { type: 'string' },
    filter: { type: 'string', default: '' },
    timeout: { type: 'string', default: '120' },
    json: { type: 'boolean', default: false },
  },
});

function fail(message: string): never {
  process.stderr.write(`${message}\n`);
  process.exit(2);
}

const nvcc = findNvcc() ?? fail('nvcc is not installed: the samples cannot be built');
if (values.samples === undefined) {
  fail('--samples DIR is missing: a clone of https://github.com/NVIDIA/cuda-samples');
}
const samples = resolve(values.samples);
const timeoutMs = Number(values.timeout) * 1000;
if (!(timeoutMs > 0)) fail(`--timeout ${values.timeout}: not a number of seconds`);

async function row(sample: Sample, driverFolder: string): Promise<Row> {
  const built = await build(sample, samples, output, nvcc, driverFolder);
  const { group, name } = sample;
  if ('why' in built) return { group, name, builds: false, runs: false, verifies: false, because: built.why };
  const verdict = await judge(sample, built, [process.execPath, vgpu], timeoutMs);
  return { group, name, builds: true, ...verdict };
}

const all = findSamples(samples);
const chosen = all.filter(({ name, group }) => `${group}/${name}`.includes(values.filter));
if (chosen.length === 0) fail(`no sample is named like "${values.filter}"`);
const driverFolder = mkdtempSync(join(tmpdir(), 'vgpu-samples-'));
const results = readResults(output);
try {
  mkdirSync(output, { recursive: true });
  symlinkSync(guestLibrary().library, join(driverFolder, 'libcuda.so'));
  for (const sample of chosen) {
    const result = await row(sample, driverFolder);
    results.set(sample.name, result);
    writeResults(output, results);
    const word = result.verifies
      ? 'verifies'
      : result.runs
        ? 'runs'
        : result.builds
          ? 'builds'
          : 'does not build';
    process.stderr.write(`${sample.name}: ${word}; ${result.because}\n`);
  }
} finally {
  rmSync(driverFolder, { recursive: true });
}
const rows = all.flatMap(({ name }) => results.get(name) ?? []);
if (rows.length === all.length) writeFileSync(join(root, 'docs/cuda-samples.md'), table(rows));
process.stdout.write(values.json ? `${JSON.stringify(rows, undefined, 2)}\n` : table(rows));
