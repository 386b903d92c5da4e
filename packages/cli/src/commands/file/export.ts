import { Command } from 'commander';
import type { ExportOptions } from '../../file/npy.js';
import { EXIT_STATUS, jsonOption } from '../arguments.js';
import { assumeOption } from './assume.js';
import { forceOption } from './output.js';

/** `vgpu file export IN.pycauset OUT.npy`. */
export function exportCommand(): Command {
  return new Command('export')
    .description('write all values of an array file for NumPy, structure and view applied')
    .argument('<input>', 'a .pycauset file')
    .argument('<output>', 'the new .npy file')
    .addOption(assumeOption())
    .option('--allow-uncommitted', 'also read a file whose in-place update never finished')
    .addOption(forceOption())
    .addOption(jsonOption())
    .addHelpText('after', `${EXIT_STATUS}\n${NOTES}`)
    .action(async (input: string, output: string, options: ExportOptions & { json?: boolean }) => {
      const [{ runCommand }, { exportFile }] = await Promise.all([
        import('../../output/command.js'),
        import('../../file/npy.js'),
      ]);
      await runCommand('file export', options, (context) => exportFile(input, output, options, context));
    });
}

const NOTES = `
NumPy has no complex float16: cf16 becomes complex64.

Examples:
  vgpu file export matrix.pycauset matrix.npy
  vgpu file export --assume symmetric:f64 from-pycauset.pycauset matrix.npy
  python -c 'import numpy; print(numpy.load("matrix.npy"))'`;
