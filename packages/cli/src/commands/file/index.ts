import { Command } from 'commander';
import { examples } from '../arguments.js';
import { convertCommand } from './convert.js';
import { createCommand } from './create.js';
import { exportCommand } from './export.js';
import { importCommand } from './import.js';
import { inspectCommand } from './inspect.js';
import { repairCommand } from './repair.js';
import { verifyCommand } from './verify.js';

/** `vgpu file`: array files (.pycauset) and NumPy's .npy. */
export function fileCommand(): Command {
  return new Command('file')
    .description('look at, check, make and repair array files (.pycauset, .npy)')
    .addCommand(inspectCommand())
    .addCommand(verifyCommand())
    .addCommand(createCommand())
    .addCommand(importCommand())
    .addCommand(exportCommand())
    .addCommand(convertCommand())
    .addCommand(repairCommand())
    .addHelpText('after', examples('vgpu file inspect matrix.pycauset', 'vgpu file verify *.pycauset'));
}
