// What the library costs a program that never makes a CUDA call, beside libraries that others preload. Run after a build.
//   node bench/start.mjs [--json] [--starts N]
// Times are of processors: medians over starts in a random order, less that without a library. Instructions are those that
// valgrind's callgrind counts outside the kernel. All libraries are copied first, as an installation does: how a file was
// written decides in how large pieces the kernel keeps it, and what mapping it costs.
import { spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { parseArgs } from 'node:util';
import { requireCommands } from '@vgpu/toolchain/system-packages';

const { values: options } = parseArgs({
  options: { json: { type: 'boolean', default: false }, starts: { type: 'string', default: '1000' } },
});
const starts = Number(options.starts);
if (!Number.isInteger(starts) || starts < 1) throw new RangeError(`--starts ${options.starts}`);
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

const present = candidates.filter((candidate) => existsSync(candidate.library));
for (const { name } of candidates.filter((candidate) => !present.includes(candidate))) {
  process.stderr.write(`${name} is not installed: apt-get install eatmydata snoopy libjemalloc2\n`);
}

const copies = mkdtempSync(join(tmpdir(), 'vgpu-start-bench-'));
process.on('exit', () => rmSync(copies, { recursive: true }));
for (const candidate of present) {
  const copy = join(copies, basename(candidate.library));
  if (!existsSync(copy)) copyFileSync(candidate.library, copy);
  candidate.library = copy;
}

const [plainMicroseconds = 0, ...times] = microseconds();
const plainInstructions = instructions();
const report = present.map((candidate, index) => ({
  name: candidate.name,
  microseconds: Math.round((times[index] ?? Number.NaN) - plainMicroseconds),
  instructions: instructions(candidate) - plainInstructions,
}));

if (options.json) {
  console.log(JSON.stringify({ starts, plainMicroseconds, plainInstructions, libraries: report }));
} else {
  console.log('what is added to a start of /bin/true     µs   instructions');
  for (const { name, microseconds: time, instructions: count } of report) {
    console.log(`${name.padEnd(36)}${String(time).padStart(9)}${String(count).padStart(15)}`);
  }
}

/** Of processor time for one start of /bin/true: without a library, then with each. */
function microseconds() {
  const environments = [undefined, ...present].map((candidate) => settings(candidate).join(' '));
  const { stdout } = run(starter, [String(starts), '/bin/true', ...environments]);
  return stdout.trim().split('\n').map(Number);
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

function run(command, args) {
  const result = spawnSync(command, args, { encoding: 'utf8', env: { PATH: process.env.PATH } });
  if (result.status !== 0) throw new Error(`${command} failed: ${result.error ?? result.stderr}`);
  return result;
}
