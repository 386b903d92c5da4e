// Has llama.cpp generate text greedily: one job, given as JSON, whose result is written to a file, because llama.cpp
// itself writes to stdout. It runs apart from the test so that it can run under `vgpu run`.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

const {
  packages,
  device,
  model: modelPath,
  flashAttention,
  prompts,
  tokens,
  result,
} = JSON.parse(process.argv[2]);
const entry = join(packages, 'node_modules/node-llama-cpp/dist/index.js');
const { getLlama } = await import(pathToFileURL(entry).href);

const llama = await getLlama({
  gpu: device === 'cuda' ? 'cuda' : false,
  build: 'never',
  skipDownload: true,
  logLevel: 'error',
});
const model = await llama.loadModel({
  modelPath,
  gpuLayers: device === 'cuda' ? 'max' : 0,
  ignoreMemorySafetyChecks: true,
});
const context = await model.createContext({
  contextSize: 256,
  batchSize: 256,
  flashAttention,
  threads: 1,
  ignoreMemorySafetyChecks: true,
});

const sequence = context.getSequence();
const texts = [];
for (const prompt of prompts) texts.push(await generate(prompt));
writeFileSync(
  result,
  JSON.stringify({
    gpuLayers: model.gpuLayers,
    devices: await llama.getGpuDeviceNames(),
    memoryBytes: device === 'cuda' ? (await llama.getVramState()).total : 0,
    texts,
  }),
);
await llama.dispose();

async function generate(prompt) {
  await sequence.clearHistory();
  const steps = [];
  const start = performance.now();
  let promptMs = 0;
  let input = prompt;
  while (steps.length < tokens) {
    const last = [input.at(-1), { generateNext: { token: true, logits: true, options: { temperature: 0 } } }];
    const { next } = (await sequence.controlledEvaluate([...input.slice(0, -1), last])).at(-1);
    const logits = [];
    // Older versions have none.
    for (const [token, logit] of next.logits ?? []) logits[token] = logit;
    steps.push({ token: next.token, logits });
    promptMs ||= performance.now() - start;
    input = [next.token];
  }
  const ms = performance.now() - start;
  return { steps, promptMs, msPerToken: (ms - promptMs) / (tokens - 1) };
}
