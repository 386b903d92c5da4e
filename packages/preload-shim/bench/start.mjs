// What the library costs a program that never makes a CUDA call, beside libraries that others preload. Run after a build.
//   node bench/start.mjs [--json] [--rounds N]
// Times are of processors: medians of the differences to the same program without a library, measured in turn within each round;
// instructions are those that valgrind's callgrind counts in user space, the same in every run.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { requireCommands } from '@vgpu/toolchain/system-packages';

const { values: options } = parseArgs({
  options: { json: { type: 'boolean', default: false }, rounds: { type: 'string', default: '21' } },
});
const rounds = Number(options.rounds);
if (!Number.isInteger(rounds) || rounds < 1) throw new RangeError(`--rounds ${options.rounds}`);

requireCommands(['valgrind']);

const built = join(import.meta.dirname, '..', 'build', 'native');
const library = join(built, 'lib', 'libvgpu_cuda.so');
const starter = join(built, 'bin', 'start_bench');
const folder = `/usr/lib/${process.arch === 'x64' ? 'x86_64' : 'aarch64'}-linux-gnu`;
const candidates = [
  { name: 'vgpu, deferred', library },
  { name: 'vgpu, refused', library, environment: { VGPU_DISABLE: '1' } },
  { name: 'libeatmydata', library: `${folder}/libeatmydata.so.1` },
  { name: 'snoopy', library: `${folder}/libsnoopy.so` },
  { name: 'jemalloc', library: `${folder}/libjemalloc.so.2` },
];
const STARTS = 100;

const present = candidates.filter((candidate) => existsSync(candidate.library));
for (const { name } of candidates.filter((candidate) => !present.includes(candidate))) {
  process.stderr.write(`${name} is not installed: apt-get install eatmydata snoopy libjemalloc2\n`);
}

const results = present.map((candidate) => ({ ...candidate, differences: [] }));
for (let round = 0; round < rounds; round++) {
  for (const result of results) {
    const without = microseconds();
    const loaded = microseconds(result);
    result.differences.push(loaded - without);
  }
}
const plainInstructions = instructions();
const report = results.map((result) => ({
  name: result.name,
  microseconds: Math.round(median(result.differences) * 10) / 10,
  instructions: instructions(result) - plainInstructions,
}));

if (options.json) {
  console.log(JSON.stringify({ starts: STARTS, rounds, libraries: report }));
} else {
  console.log('what is added to a start of /bin/true     µs   instructions');
  for (const { name, microseconds: time, instructions: count } of report) {
    console.log(`${name.padEnd(36)}${time.toFixed(1).padStart(9)}${String(count).padStart(15)}`);
  }
}

/** Of processor time for one start of /bin/true, on average. */
function microseconds(candidate) {
  return Number(run(starter, [String(STARTS), '/bin/true'], candidate).stdout);
}

function instructions(candidate) {
  const { stderr } = run(
    'valgrind',
    [
      '--tool=callgrind',
      '--callgrind-out-file=/dev/null',
      '--trace-children=yes',
      'env',
      ...settings(candidate),
      '/bin/true',
    ],
    undefined,
  );
  const count = [...stderr.matchAll(/Collected : (\d+)/g)].at(-1)?.[1];
  if (count === undefined) throw new Error(`callgrind counted nothing: ${stderr}`);
  return Number(count);
}

function settings(candidate) {
  if (candidate === undefined) return [];
  const further = Object.entries(candidate.environment ?? {}).map(([name, value]) => `${name}=${value}`);
  return [`LD_PRELOAD=${candidate.library}`, ...further];
}

function run(command, args, candidate) {
  const env = { PATH: process.env.PATH, START_BENCH: settings(candidate).join(' ') };
  const result = spawnSync(command, args, { encoding: 'utf8', env });
  if (result.status !== 0) throw new Error(`${command} failed: ${result.error ?? result.stderr}`);
  return result;
}

function median(values) {
  const sorted = [...values].sort((one, other) => one - other);
  return sorted[Math.floor(sorted.length / 2)];
}
