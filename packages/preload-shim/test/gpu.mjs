// Runs the programs and the transport benchmark on this machine's GPU, and writes the times into docs/benchmarks.md.
//   node test/gpu.mjs [--page FILE] [--gpu real|nested|software]
// Exit status: 0 all passed, 1 something failed, 77 there is no GPU (which one line says). Another --gpu than the real
// one tries the script where there is none; give it a --page of its own then.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { parseArgs } from 'node:util';
import { Executor } from '@vgpu/executor';
import { findNvcc } from '@vgpu/toolchain/cuda';
import { reason, section, summary, withSection } from './gpu-report.mjs';

const SKIPPED = 77;
const folder = join(import.meta.dirname, '..');
const output = join(folder, 'build', 'test-results', 'gpu.json');

const { values: options } = parseArgs({
  options: {
    gpu: { type: 'string', default: 'real' },
    page: { type: 'string', default: join(folder, '..', '..', 'docs', 'benchmarks.md') },
  },
});

const device = await findDevice();
if (device) runOn(device);

/** The device in words; undefined where there is none. */
async function findDevice() {
  const lines = [];
  try {
    const gpu = options.gpu === 'real' ? 'real' : 'software';
    const executor = await Executor.start({ gpu, log: (line) => lines.push(line) });
    await executor.stop();
    const { name, memoryBytes } = executor.device;
    for (const line of lines) console.error(line);
    return `${name}, ${(memoryBytes / 2 ** 30).toFixed(1)} GiB`;
  } catch (error) {
    if (error.code !== 'ERR_VGPU_BACKEND_UNAVAILABLE') throw error;
    console.log(`skipped: ${error.message}`);
    process.exitCode = SKIPPED;
    return undefined;
  }
}

function runOn(device) {
  const date = new Date().toISOString().slice(0, 10);
  if (!findNvcc()) console.error('nvcc is not installed: the programs of the runtime API are skipped');
  const results = runPrograms();
  const benchmark = runBenchmark();
  const before = existsSync(options.page) ? readFileSync(options.page, 'utf8') : '# Benchmarks\n';
  mkdirSync(dirname(options.page), { recursive: true });
  writeFileSync(options.page, withSection(before, section({ device, date, results, benchmark })));
  const { passed, failed, skipped } = summary(results);
  console.log(
    `${passed} passed, ${failed} failed, ${skipped} skipped on ${device}; times are in ${options.page}`,
  );
  for (const result of results) {
    if (result.status === 'failed') console.log(`failed: ${result.title}: ${reason(result)}`);
  }
  if (failed > 0 || passed === 0) process.exitCode = 1;
}

function runPrograms() {
  // What an earlier run left is no result of this one.
  rmSync(output, { force: true });
  const tests = ['test/programs.test.ts', 'test/cublas.test.ts'];
  const run = spawnSync(
    join(folder, 'node_modules', '.bin', 'vitest'),
    ['run', ...tests, '--reporter=default', '--reporter=json', `--outputFile.json=${output}`],
    { cwd: folder, stdio: 'inherit', env: { ...process.env, VGPU_TEST_GPU: options.gpu } },
  );
  if (run.error) throw run.error;
  if (!existsSync(output))
    throw new Error(`the tests ended with ${run.status ?? run.signal}, without results`);
  return JSON.parse(readFileSync(output, 'utf8')).testResults.flatMap(
    ({ name, message, assertionResults }) =>
      // A file whose preparation failed has no results but its message.
      assertionResults.length > 0
        ? assertionResults
        : [{ title: name, status: 'failed', failureMessages: [message] }],
  );
}

function runBenchmark() {
  const command = join(folder, 'bench', 'transport.mjs');
  const gpu = options.gpu === 'real' ? 'real' : 'software';
  const run = spawnSync(process.execPath, [command, '--gpu', gpu], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  if (run.error) throw run.error;
  // It ends with 1 also when it missed a goal, and then prints what it measured all the same.
  if (run.stdout === '') throw new Error(`the transport benchmark ended with ${run.status ?? run.signal}`);
  return run.stdout;
}
