import { Command, Option } from 'commander';
import type { ComputeOptions } from '../compute/compute.js';
import { bytesArgument, EXIT_STATUS, jsonOption } from './arguments.js';
import { operationOptions } from './compute-options.js';
import { forceOption } from './file/output.js';

/** `vgpu compute OP IN… -o OUT`: operations on arrays in files, of any size. */
export function computeCommand(): Command {
  const command = new Command('compute')
    .description('sort, multiply, sum … arrays in .npy and .pycauset files, larger than memory if need be')
    .argument('<operation>', 'see below')
    .argument('[inputs...]', '.npy or .pycauset files')
    .addOption(
      new Option(
        '-o, --output <file>',
        'the new .npy or .pycauset file; sort-pairs, nearest-neighbours and spatial-grid have two',
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
    .option('--resume', 'keep a record of the progress, and go on after a crash or a cancellation');
  for (const option of operationOptions()) command.addOption(option);
  return command
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

const NOTES = `
Operations:
  printed           sum mean min max norm dot histogram top-k
  element by element add sub mul div scale axpy cast; fill (a new array, with one number)
  sorting           sort sort-pairs argsort
  matrices          matmul matvec transpose solve inverse bit-matmul (of matrices of bits: how many products are 1)
  many matrices     matmul-batch matvec-batch (one below another, or .npy of three dimensions; a row for each vector)
  points (rows)     pairwise-distance nearest-neighbours (of queries among points; writes distances, then indices)
                    spatial-grid (writes where each cell begins in the list of points by cells, then that list)
                    force-layout-step (of nodes, and edges in rows of two u32)
  running sums      inclusive-scan exclusive-scan
argsort, the scans, transpose, solve, inverse, bit-matmul, the batches, pairwise-distance, spatial-grid and
force-layout-step map their arrays as a whole, up to 4 GiB each; all others go through arrays of any size in pieces.
Where it ran, and why, is said on stderr, and by --json.

Examples:
  vgpu compute sum measurements.npy
  vgpu compute matmul a.npy b.npy -o product.npy --memory-limit 2GiB
  vgpu compute sort-pairs keys.pycauset values.pycauset -o sorted.pycauset -o moved.pycauset --resume
  vgpu compute top-k --k 10 scores.npy --json
  vgpu compute spatial-grid points.pycauset --cell-size 0.25 --origin 0,0 --cells 4,4 -o starts.npy -o items.npy
  vgpu compute force-layout-step points.pycauset edges.pycauset -o moved.npy --repulsion 0.5 --max-move 0.1
  vgpu compute fill --value 1 --shape 1000,200 --dtype f32 -o ones.npy`;
