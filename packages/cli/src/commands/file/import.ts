import { Command } from 'commander';
import type { ImportOptions } from '../../file/npy.js';
import { EXIT_STATUS, jsonOption } from '../arguments.js';
import { forceOption } from './output.js';

/** `vgpu file import IN.npy OUT.pycauset`. */
export function importCommand(): Command {
  return new Command('import')
    .description("make an array file from one of NumPy's")
    .argument('<input>', 'a .npy file with one or two dimensions')
    .argument('<output>', 'the new .pycauset file')
    .addOption(forceOption())
    .addOption(jsonOption())
    .addHelpText('after', `${EXIT_STATUS}\n${EXAMPLES}`)
    .action(async (input: string, output: string, options: ImportOptions & { json?: boolean }) => {
      const [{ runCommand }, { importFile }] = await Promise.all([
        import('../../output/command.js'),
        import('../../file/npy.js'),
      ]);
      await runCommand('file import', options, (context) => importFile(input, output, options, context));
    });
}

const EXAMPLES = `
Examples:
  python -c 'import numpy; numpy.save("in.npy", numpy.eye(3))'
  vgpu file import in.npy matrix.pycauset`;
