import { Command, Option } from 'commander';
import type { ConvertOptions } from '../../file/convert.js';
import { EXIT_STATUS, jsonOption } from '../arguments.js';
import { assumeOption } from './assume.js';
import { dtypeNames, structureNames } from './names.js';
import { forceOption } from './output.js';

/** `vgpu file convert IN OUT`: the same values, stored differently. */
export function convertCommand(): Command {
  return new Command('convert')
    .description('store the values of an array with another dtype or structure')
    .argument('<input>', 'a .pycauset file')
    .argument('<output>', 'the new .pycauset file')
    .addOption(new Option('--dtype <name>', 'type of the elements (default: as it is)').choices(dtypeNames))
    .addOption(new Option('--structure <name>', 'what is stored (default: as it is)').choices(structureNames))
    .option('--lossy', 'allow values to be rounded, cut to the range, or left out by the structure')
    .addOption(assumeOption())
    .addOption(forceOption())
    .addOption(jsonOption())
    .addHelpText('after', `${EXIT_STATUS}\n${NOTES}`)
    .action(async (input: string, output: string, options: ConvertOptions & { json?: boolean }) => {
      const [{ runCommand }, { convert }] = await Promise.all([
        import('../../output/command.js'),
        import('../../file/convert.js'),
      ]);
      await runCommand('file convert', options, (context) => convert(input, output, options, context));
    });
}

const NOTES = `
Without --lossy every value must come out as it was, or nothing is written. A view (transposed, conjugated, times a
factor) is applied: the new file has none.

Examples:
  vgpu file convert --dtype f32 --lossy doubles.pycauset singles.pycauset
  vgpu file convert --structure symmetric dense.pycauset half-the-size.pycauset
  vgpu file convert from-pycauset.pycauset with-checksum.pycauset`;
