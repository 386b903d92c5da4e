// CUB's radix sort on one thread of the software GPU, beside std::sort and a plain radix sort in C++. Run after a
// build; needs nvcc.
//   node bench/radix_sort.mjs [--json] [--keys N] [--rounds N]
import { execFile } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs, promisify } from 'node:util';
import { Executor } from '@vgpu/executor';
import { findNvcc } from '@vgpu/toolchain/cuda';

const { values: options } = parseArgs({
  options: {
    json: { type: 'boolean', default: false },
    keys: { type: 'string', default: String(1 << 21) },
    rounds: { type: 'string', default: '9' },
  },
});
const folder = join(import.meta.dirname, '..');
const library = join(folder, 'build', 'native', 'lib');
const nvcc = findNvcc();
if (nvcc) await run(nvcc);
else process.stderr.write('CUB’s radix sort is not measured: nvcc is not installed\n');

/** @param {string} nvcc */
async function run(nvcc) {
  const program = join(folder, 'build', 'bench', 'radix_sort');
  mkdirSync(join(program, '..'), { recursive: true });
  const flags = ['-O3', '-Xcompiler', '-march=native', '-cudart', 'shared', '-arch=compute_80'];
  await promisify(execFile)(nvcc, [...flags, '-o', program, join(import.meta.dirname, 'radix_sort.cu')]);
  const executor = await Executor.start({ gpu: 'software', threads: 1 });
  try {
    const env = {
      ...process.env,
      LD_PRELOAD: join(library, 'libvgpu_cuda.so'),
      LD_LIBRARY_PATH: join(library, 'names'),
      VGPU_EXECUTOR: executor.url,
    };
    const { stdout } = await promisify(execFile)(program, [options.keys, options.rounds], { env });
    print(JSON.parse(stdout));
  } finally {
    await executor.stop();
  }
}

/** @param {Record<string, number[]>} times milliseconds of each round */
function print({ cub, ...others }) {
  const result = {
    keys: Number(options.keys),
    milliseconds: { cub: median(cub) },
    ratios: {},
  };
  for (const [name, times] of Object.entries(others)) {
    result.milliseconds[name] = median(times);
    result.ratios[name] = median(times.map((time, round) => cub[round] / time));
  }
  if (options.json) {
    console.log(JSON.stringify(result, undefined, 2));
    return;
  }
  console.log(
    `radix sort of ${options.keys} keys by CUB, one thread: ${result.milliseconds.cub.toFixed(1)} ms`,
  );
  for (const [name, ratio] of Object.entries(result.ratios)) {
    console.log(`  ${name}: ${result.milliseconds[name].toFixed(1)} ms, ratio ${ratio.toFixed(2)}`);
  }
}

function median(values) {
  return [...values].sort((a, b) => a - b)[values.length >> 1];
}
