// Cuts the power of a machine whose disk is logged: `pnpm --filter @vgpu/array real-powercut -- --cuts 500`.
// README.md beside this file says what that shows.
import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { requireCommands } from '@vgpu/toolchain/system-packages';
import { type CheckedCut, cutPower } from './cut-power.js';
import { type Filesystem, filesystems } from './disk.js';
import { PowercutError } from './errors.js';
import { buildGuestImage } from './guest-image.js';
import { prepareKernel } from './kernel.js';
import { record, recordingIn } from './record.js';
import { type Figures, figuresOf, formatTable } from './report.js';
import { type Sabotage, sabotages } from './sabotage.js';

const folder = join(import.meta.dirname, '../../build/real-powercut');

interface Options {
  readonly cuts: number;
  readonly filesystems: readonly Filesystem[];
  readonly seed: number;
  readonly sabotage: Sabotage | undefined;
  readonly replay: boolean;
  readonly json: boolean;
}

function readOptions(args: readonly string[]): Options {
  const { values } = parseArgs({
    args: args.filter((word) => word !== '--'),
    options: {
      cuts: { type: 'string', default: '500' },
      filesystem: { type: 'string' },
      seed: { type: 'string', default: String(Date.now() % 2 ** 31) },
      sabotage: { type: 'string' },
      replay: { type: 'boolean', default: false },
      json: { type: 'boolean', default: false },
    },
  });
  return {
    cuts: wholeNumber('--cuts', values.cuts, 1),
    filesystems:
      values.filesystem === undefined ? filesystems : [oneOf('--filesystem', values.filesystem, filesystems)],
    seed: wholeNumber('--seed', values.seed, 0),
    sabotage: values.sabotage === undefined ? undefined : oneOf('--sabotage', values.sabotage, sabotages),
    replay: values.replay,
    json: values.json,
  };
}

function wholeNumber(option: string, word: string, smallest: number): number {
  const number = Number(word);
  if (/^\d+$/.test(word) && number >= smallest && number < 2 ** 31) return number;
  throw wrong(`${option} is ${word}`, `Give a whole number from ${smallest} to 2147483647.`);
}

function oneOf<T extends string>(option: string, word: string, choices: readonly T[]): T {
  const choice = choices.find((each) => each === word);
  if (choice !== undefined) return choice;
  throw wrong(`${option} is ${word}`, `Choose one of ${choices.join(', ')}.`);
}

function wrong(message: string, remedy: string): PowercutError {
  return new PowercutError('ERR_VGPU_POWERCUT_ARGUMENT', message, { remedy });
}

function say(line: string): void {
  process.stderr.write(`${line}\n`);
}

async function recordAll(options: Options, signal: AbortSignal): Promise<void> {
  mkdirSync(folder, { recursive: true });
  const kernel = prepareKernel(join(folder, 'kernel'), ['virtio_pci', 'virtio_blk', ...filesystems]);
  const image = join(folder, 'guest.cpio');
  await buildGuestImage(image, folder, kernel);
  const words = options.sabotage === undefined ? [] : [`vgpu.sabotage=${options.sabotage}`];
  for (const filesystem of options.filesystems) {
    say(`${filesystem}: the guest writes, on Linux ${kernel.release}`);
    const guest = { kernel: kernel.image, image, words, signal };
    await record(recordingIn(folder, filesystem), guest, (line) => say(`${filesystem}: ${line}`));
  }
}

/** The first problems in full, and a line now and then. */
function progressReporter(
  filesystem: Filesystem,
): (checked: CheckedCut, index: number, total: number) => void {
  let problems = 0;
  let shown = 0;
  return ({ cut, acknowledged, problems: found }, index, total) => {
    problems += found.length;
    for (const problem of found.slice(0, Math.max(0, 20 - shown))) {
      const where = `entry ${cut.position}, unflushed writes: ${cut.survival}, ${acknowledged} steps acknowledged`;
      say(`${filesystem}: cut ${index} (${where}): ${problem.message}`);
    }
    shown += found.length;
    if ((index + 1) % 50 === 0 || index + 1 === total) {
      say(`${filesystem}: ${index + 1} of ${total} cuts, ${problems} problems`);
    }
  };
}

async function main(signal: AbortSignal): Promise<number> {
  const options = readOptions(process.argv.slice(2));
  if (process.getuid?.() !== 0) throw wrong('mounting images needs root', 'Run it as root.');
  requireCommands(['qemu-system-x86_64', 'mkfs.ext4', 'mkfs.xfs']);
  say(`seed ${options.seed}`);
  if (!options.replay) await recordAll(options, signal);
  const figures = new Map<string, Figures>();
  for (const filesystem of options.filesystems) {
    const recording = recordingIn(folder, filesystem);
    if (!existsSync(recording.log)) throw wrong('there is no log to replay', 'Leave out --replay.');
    const start = performance.now();
    const count = Math.ceil(options.cuts / options.filesystems.length);
    const result = await cutPower(
      recording,
      { count, seed: options.seed, signal },
      progressReporter(filesystem),
    );
    figures.set(filesystem, figuresOf(result, (performance.now() - start) / 1000));
  }
  const passed = [...figures.values()].every((each) => each['cuts with problems'] === 0);
  const { seed, sabotage } = options;
  if (options.json) {
    console.log(
      JSON.stringify({ passed, seed, sabotage, filesystems: Object.fromEntries(figures) }, undefined, 2),
    );
  } else {
    console.log(formatTable(figures));
    console.log(passed ? 'no commit was lost' : 'PROBLEMS were found, see above');
  }
  return passed ? 0 : 1;
}

// What is mounted is unmounted, and the machine turned off, before the process ends.
const interrupt = new AbortController();
for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, () => interrupt.abort(name));

try {
  process.exitCode = await main(interrupt.signal);
} catch (error) {
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  if (interrupt.signal.aborted) say(`interrupted by ${interrupt.signal.reason}`);
  else if (error instanceof Error && /^ERR_(VGPU|PARSE_ARGS)_/.test(code)) say(`${code}: ${error.message}`);
  else throw error;
  process.exitCode = 1;
}
