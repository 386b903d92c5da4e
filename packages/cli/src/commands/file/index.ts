import { Command } from 'commander';
import { inspectCommand } from './inspect.js';

/** `vgpu file`: array files (.pycauset) and NumPy's .npy. */
export function fileCommand(): Command {
  return new Command('file')
    .description('look at, check, make and repair array files (.pycauset, .npy)')
    .addCommand(inspectCommand());
}
