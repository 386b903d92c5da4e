// llama.cpp's CUDA backend, as it is published, beside its CPU backend. Run by `pnpm test:llama`.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Executor } from '@vgpu/executor';
import { afterAll, beforeAll, describe, expect, it, onTestFailed, vi } from 'vitest';
import { cli } from '../vgpu.js';
import { fetchPackages } from './fetch-packages.js';
import { type Generation, generate } from './generation.js';
import { chooseClearest, type Chosen, logitError, prompts, tokensOf } from './texts.js';
import { F16_TENSOR, F32_TENSOR, Q4_0, Q4_K, Q8_0 } from './tensor-types.js';
import { tinyModel } from './tiny-model.js';

const TOKENS = 32;
/** Products with a vector, with a batch, and with a large one: llama.cpp has kernels for each. */
const PROMPT_LENGTHS = [4, 20, 100];
const CANDIDATES = 24;
const MEMORY_BYTES = 2 ** 31;
const TIMEOUT_MS = 600_000;

/**
 * How far the logits of both backends may be apart: root mean square, in units of their spread. The sums of f32 are
 * those of tf32 in batches; products with quantised weights also round the activations, to 8 bits, and the two backends
 * do not do that in the same way. In the chosen texts the best token leads by twice that at least.
 */
const TYPES = [
  { name: 'f32', type: F32_TENSOR, bound: 0.01 },
  { name: 'f16', type: F16_TENSOR, bound: 0.01 },
  { name: 'q8_0', type: Q8_0, bound: 0.03 },
  { name: 'q4_0', type: Q4_0, bound: 0.08 },
  { name: 'q4_K', type: Q4_K, bound: 0.05 },
];

const folder = mkdtempSync(join(tmpdir(), 'vgpu-llama-'));
const log: string[] = [];
let packages = '';
let packagesOfCuda12 = '';
let executor: Executor;

beforeAll(async () => {
  packages = fetchPackages('cuda13');
  packagesOfCuda12 = fetchPackages('cuda12');
  executor = await Executor.start({
    gpu: 'software',
    memoryBytes: MEMORY_BYTES,
    log: (line) => log.push(line),
  });
}, TIMEOUT_MS);
afterAll(async () => {
  await executor?.stop();
  rmSync(folder, { recursive: true });
});

it('registers its 143 modules in under 0.2 s', { timeout: TIMEOUT_MS, retry: 2 }, () => {
  const backend = join(
    packages,
    'node_modules/@node-llama-cpp/linux-x64-cuda/bins/linux-x64-cuda/libggml-cuda.so',
  );
  expect(count(readFileSync(backend), FAT_BINARY_WRAPPER)).toBe(143);
  const program = join(folder, 'load_backend');
  execFileSync('cc', [
    '-std=c11',
    '-D_GNU_SOURCE',
    '-O2',
    join(import.meta.dirname, 'load_backend.c'),
    '-o',
    program,
    '-ldl',
  ]);
  const args = [cli, 'run', '--executor', executor.url, '--', program, backend];
  const milliseconds = Number(execFileSync(process.execPath, args, { encoding: 'utf8' }));
  process.stderr.write(`143 modules registered in ${milliseconds.toFixed(1)} ms\n`);
  expect(milliseconds).toBeGreaterThan(0);
  expect(milliseconds).toBeLessThan(200);
});

describe.each(TYPES)('a model of $name', ({ name, type, bound }) => {
  it.each([true, false])(
    'generates the same text as on the CPU, built with CUDA 13 and 12, flash attention: %s',
    { timeout: TIMEOUT_MS },
    async (flashAttention) => {
      const model = join(folder, `${name}.gguf`);
      writeFileSync(model, tinyModel(type, 1));
      const job = { packages, model, flashAttention, tokens: TOKENS };
      const candidates = PROMPT_LENGTHS.flatMap((length) => prompts(length, CANDIDATES));
      const cpu = await generate({ ...job, prompts: candidates });
      const chosen = chooseClearest(candidates, cpu.texts);
      for (const { lead } of chosen) expect(lead).toBeGreaterThan(2 * bound);

      const firstLine = log.length;
      onTestFailed(() => void process.stderr.write(`${log.slice(firstLine).join('\n')}\n`));
      const chosenJob = { ...job, prompts: chosen.map(({ prompt }) => prompt) };
      const cuda = await generate(chosenJob, executor.url);
      expect(cuda.devices).toEqual([executor.device.name]);
      expect(cuda.memoryBytes).toBe(MEMORY_BYTES);
      expect(cuda.texts.map(tokensOf)).toEqual(chosen.map(({ text }) => tokensOf(text)));
      const errors = cuda.texts.map((text, index) => logitError(text, chosen[index]?.text));
      for (const error of errors) expect(error).toBeLessThan(bound);
      const loaded = await loadedCode(firstLine);
      report(`${name}, flash attention ${flashAttention ? 'on' : 'off'}`, cuda, chosen, errors, loaded);
      // Of 143 modules and 6,731 kernels.
      expect(loaded.modules).toBeLessThan(30);
      expect(loaded.kernels).toBeLessThan(60);

      // Through libcudart.so.12, with its older structures, and libcublas.so.12.
      const cuda12 = await generate({ ...chosenJob, packages: packagesOfCuda12 }, executor.url);
      expect(cuda12.devices).toEqual([executor.device.name]);
      expect(cuda12.gpuLayers).toBe(cuda.gpuLayers);
      expect(cuda12.texts.map(tokensOf)).toEqual(chosen.map(({ text }) => tokensOf(text)));
    },
  );
});

/** The magic number and version that begin what nvcc registers for a module. */
const FAT_BINARY_WRAPPER = Buffer.from('b143624601000000', 'hex');

function count(content: Buffer, pattern: Buffer): number {
  let found = 0;
  for (let at = content.indexOf(pattern); at >= 0; at = content.indexOf(pattern, at + 1)) found += 1;
  return found;
}

/** What the client that used most had loaded, by the executor's log, which it writes when the client has gone. */
async function loadedCode(firstLine: number): Promise<{ modules: number; kernels: number }> {
  return vi.waitFor(
    () => {
      const clients = log
        .slice(firstLine)
        .map((line) => line.match(/disconnected .* with (\d+) modules, (\d+) decoded kernels/))
        .map((match) => ({ modules: Number(match?.[1] ?? 0), kernels: Number(match?.[2] ?? 0) }));
      const [most] = clients.toSorted((a, b) => b.modules - a.modules);
      if (!most?.modules) throw new Error('the executor has not logged what was loaded');
      return most;
    },
    { timeout: 10_000 },
  );
}

function report(
  title: string,
  cuda: Generation,
  chosen: readonly Chosen[],
  errors: readonly number[],
  { modules, kernels }: { modules: number; kernels: number },
): void {
  process.stderr.write(`${title}: ${modules} modules, ${kernels} decoded kernels\n`);
  for (const [index, { prompt, text, lead }] of chosen.entries()) {
    const own = cuda.texts[index];
    if (!own) throw new Error('more texts than prompts');
    const perSecond = (milliseconds: number) => (1000 / milliseconds).toFixed(0);
    process.stderr.write(
      `  prompt of ${prompt.length}: ${own.promptMs.toFixed(0)} ms (CPU ${text.promptMs.toFixed(0)}), then ` +
        `${perSecond(own.msPerToken)} tokens/s (CPU ${perSecond(text.msPerToken)}); ` +
        `logits differ by ${((errors[index] ?? 0) * 100).toFixed(2)} %, closest choice ${(lead * 100).toFixed(0)} %\n`,
    );
  }
}
