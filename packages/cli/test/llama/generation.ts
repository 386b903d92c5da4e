// Runs generate.mjs with llama.cpp's CPU backend, or with its CUDA backend under `vgpu run`.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { spawn } from 'node:child_process';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import { cli } from '../vgpu.js';

export interface Job {
  /** Where llama.cpp was fetched to. */
  packages: string;
  model: string;
  flashAttention: boolean;
  prompts: readonly (readonly number[])[];
  /** How many tokens to generate after each prompt. */
  tokens: number;
}

const schema = z.object({
  gpuLayers: z.number(),
  devices: z.array(z.string()),
  memoryBytes: z.number(),
  texts: z.array(
    z.object({
      steps: z.array(z.object({ token: z.number(), logits: z.array(z.number()) })),
      promptMs: z.number(),
      msPerToken: z.number(),
    }),
  ),
});

export type Generation = z.infer<typeof schema>;
export type Text = Generation['texts'][number];

const TIMEOUT_MS = 300_000;

/** On the CPU, or on the GPU of the executor at `executorUrl`. Throws with what llama.cpp and vgpu had to say. */
export async function generate(job: Job, executorUrl?: string): Promise<Generation> {
  const folder = mkdtempSync(join(tmpdir(), 'vgpu-llama-'));
  try {
    const result = join(folder, 'result.json');
    const log = join(folder, 'vgpu.log');
    const device = executorUrl ? 'cuda' : 'cpu';
    const program = [join(import.meta.dirname, 'generate.mjs'), JSON.stringify({ ...job, device, result })];
    const args = executorUrl
      ? [cli, 'run', '--executor', executorUrl, '--', process.execPath, ...program]
      : program;
    const { code, output } = await run(args, log);
    if (code !== 0) throw new Error(`llama.cpp ended with ${code}\n${output}\n${tail(log)}`);
    return schema.parse(JSON.parse(readFileSync(result, 'utf8')));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function run(args: readonly string[], log: string): Promise<{ code: number | string; output: string }> {
  const child = spawn(process.execPath, args, {
    env: { ...process.env, VGPU_LOG: log },
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: TIMEOUT_MS,
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      output += text;
    });
  }
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code, signal) => resolve({ code: code ?? signal ?? 'no status', output }));
  });
}

/** What vgpu has to say, which names the first thing that is missing. */
function tail(log: string): string {
  try {
    return readFileSync(log, 'utf8').split('\n').slice(-20).join('\n');
  } catch {
    return 'vgpu wrote no log';
  }
}
