// Runs the programs and the transport benchmark on this machine's GPU, and writes the times into docs/benchmarks.md.
//   node test/gpu.mjs
// Exit status: 0 all passed, 1 something failed, 77 there is no GPU (which one line says).
import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Executor } from '@vgpu/executor';

const SKIPPED = 77;
const folder = join(import.meta.dirname, '..');
const results = join(folder, 'build', 'test-results', 'gpu.json');
const page = join(folder, '..', '..', 'docs', 'benchmarks.md');

const device = await findDevice();
if (device) runOn(device);

async function findDevice() {
  try {
    const executor = await Executor.start({ gpu: 'real' });
    await executor.stop();
    return executor.device;
  } catch (error) {
    if (error.code !== 'ERR_VGPU_BACKEND_UNAVAILABLE') throw error;
    console.log(`skipped: ${error.message}`);
    process.exitCode = SKIPPED;
    return undefined;
  }
}

function runOn({ name, memoryBytes }) {
  const started = new Date();
  const programs = runPrograms();
  const benchmark = runBenchmark();
  write([
    `# On a GPU`,
    '',
    `\`pnpm test:gpu\` on ${started.toISOString().slice(0, 10)}: ${name}, ${(memoryBytes / 2 ** 30).toFixed(1)} GiB.`,
    '',
    '| program | result | milliseconds |',
    '|---|---|---|',
    ...programs.map(
      ({ title, status, duration }) => `| ${title} | ${status} | ${Math.round(duration ?? 0)} |`,
    ),
    '',
    ...['Transport:', '', '```', benchmark.trimEnd(), '```', ''],
  ]);
  const failed = programs.filter(({ status }) => status === 'failed');
  console.log(
    `${programs.length - failed.length} of ${programs.length} passed on ${name}; times are in docs/benchmarks.md`,
  );
  for (const { title } of failed) console.log(`failed: ${title}`);
  if (failed.length > 0 || programs.length === 0) process.exitCode = 1;
}

function runPrograms() {
  const run = spawnSync(
    join(folder, 'node_modules', '.bin', 'vitest'),
    ['run', 'test/programs.test.ts', '--reporter=default', '--reporter=json', `--outputFile.json=${results}`],
    { cwd: folder, stdio: 'inherit', env: { ...process.env, VGPU_TEST_GPU: 'real' } },
  );
  if (run.error) throw run.error;
  const report = JSON.parse(readFileSync(results, 'utf8'));
  return report.testResults.flatMap(({ assertionResults }) => assertionResults);
}

function runBenchmark() {
  const command = join(folder, 'bench', 'transport.mjs');
  const run = spawnSync(process.execPath, [command, '--gpu', 'real'], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  if (run.error) throw run.error;
  // It ends with 1 also when it missed a goal, and then prints what it measured all the same.
  if (run.stdout === '') throw new Error(`the transport benchmark ended with ${run.status ?? run.signal}`);
  return run.stdout;
}

function write(lines) {
  writeFileSync(page, `${lines.join('\n')}\n`);
}
