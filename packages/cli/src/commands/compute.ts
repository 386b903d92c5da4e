import { Command, InvalidArgumentError, Option } from 'commander';
import type { ComputeOptions } from '../compute/compute.js';
import { bytesArgument, countArgument, countsArgument, EXIT_STATUS, jsonOption } from './arguments.js';
import { forceOption } from './file/output.js';

/** `vgpu compute OP IN… -o OUT`: operations on arrays in files, of any size. */
export function computeCommand(): Command {
  return new Command('compute')
    .description('sort, multiply, sum … arrays in .npy and .pycauset files, larger than memory if need be')
    .argument('<operation>', 'see below')
    .argument('[inputs...]', '.npy or .pycauset files')
    .addOption(
      new Option(
        '-o, --output <file>',
        'the new .npy or .pycauset file; sort-pairs and nearest-neighbours have two',
      ).argParser((path: string, paths: string[] = []) => [...paths, path]),
    )
    .addOption(
      new Option('--device <device>', 'auto: the GPU where there is one, else the CPU')
        .choices(['auto', 'gpu', 'cpu'])
        .default('auto'),
    )
    .option(
      '--memory-limit <size>',
      'use no more (default: 1 GiB, or a quarter of the memory)',
      bytesArgument,
    )
    .option('--resume', 'keep a record of the progress, and go on after a crash or a cancellation')
    .option('--descending', 'sort, sort-pairs, argsort, top-k: the greatest first')
    .option('--by <number>', 'scale, axpy: the factor')
    .option('--k <count>', 'top-k, nearest-neighbours: how many', countArgument)
    .addOption(new Option('--metric <name>', 'distances: l2 by default').choices(['l2', 'cosine', 'dot']))
    .option('--bins <count>', 'histogram: how many intervals', countArgument)
    .option('--from <number>', 'histogram: where the first one begins', numberArgument)
    .option('--to <number>', 'histogram: where the last one ends', numberArgument)
    .addOption(
      new Option('--dtype <name>', 'cast, fill: the type of the output (fill: f64 by default)').choices([
        'f16',
        'f32',
        'f64',
        'i32',
        'u32',
        'i64',
        'u64',
      ]),
    )
    .option('--value <number>', 'fill: with this number')
    .option('--shape <numbers>', 'fill: how many elements, or rows,columns', countsArgument)
    .option('--telemetry', 'write a record of each step to the telemetry folder: see `vgpu logs`')
    .addOption(forceOption())
    .addOption(jsonOption())
    .addHelpText('after', `${EXIT_STATUS}\n${NOTES}`)
    .action(async (operation: string, inputs: string[], options: ComputeOptions & { json?: boolean }) => {
      const [{ runCommand }, { compute }] = await Promise.all([
        import('../output/command.js'),
        import('../compute/compute.js'),
      ]);
      await runCommand('compute', options, (context) => compute(operation, inputs, options, context));
    });
}

function numberArgument(text: string): number {
  const value = text.trim() === '' ? Number.NaN : Number(text);
  if (!Number.isFinite(value)) throw new InvalidArgumentError('It is a number.');
  return value;
}

const NOTES = `
Operations:
  printed           sum mean min max norm dot histogram top-k
  element by element add sub mul div scale axpy cast; fill (a new array, with one number)
  sorting           sort sort-pairs argsort
  matrices          matmul matvec transpose solve inverse bit-matmul (of matrices of bits: how many products are 1)
  many matrices     matmul-batch matvec-batch (one below another, or .npy of three dimensions; a row for each vector)
  points (rows)     pairwise-distance nearest-neighbours (of queries among points; writes distances, then indices)
  running sums      inclusive-scan exclusive-scan
argsort, the scans, transpose, solve, inverse, bit-matmul, pairwise-distance and the batches map their arrays as a whole, up to 4 GiB each;
all others go through arrays of any size in pieces. Where it ran, and why, is said on stderr, and by --json.

Examples:
  vgpu compute sum measurements.npy
  vgpu compute matmul a.npy b.npy -o product.npy --memory-limit 2GiB
  vgpu compute sort-pairs keys.pycauset values.pycauset -o sorted.pycauset -o moved.pycauset --resume
  vgpu compute top-k --k 10 scores.npy --json
  vgpu compute fill --value 1 --shape 1000,200 --dtype f32 -o ones.npy`;
