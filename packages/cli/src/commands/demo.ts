import { Command, Option } from 'commander';
import type { DemoOptions } from '../demo/index.js';

/** `vgpu demo`: a real data set through a real CUDA program, checked against plain TypeScript. */
export function demoCommand(): Command {
  return new Command('demo')
    .description('run a CUDA program over a real data set and check its result')
    .addOption(
      new Option('--gpu <kind>', 'like that of vgpu run (default: auto)').choices([
        'auto',
        'real',
        'software',
      ]),
    )
    .addOption(
      new Option(
        '--program <kind>',
        'cu: built by nvcc; ptx: in C, from PTX text (default: cu if nvcc is there)',
      ).choices(['cu', 'ptx']),
    )
    .option('--json', 'print the result as JSON instead of a map')
    .addHelpText('after', NOTES)
    .action(async (options: DemoOptions) => {
      const { runDemo } = await import('../demo/index.js');
      process.exitCode = await runDemo(options);
    });
}

const NOTES = `
It needs a C compiler or nvcc, and the data set of the npm package vega-datasets.

Exit status: 0 when the GPU and TypeScript agree, 1 when not, 125 when vgpu failed

Examples:
  vgpu demo
  vgpu demo --program ptx --gpu software --json`;
