import { Command } from 'commander';
import { EXIT_STATUS, jsonOption } from '../arguments.js';
import { assumeOption, type AssumeOptions } from './assume.js';

/** `vgpu file inspect FILE`: header, slots, metadata, and a picture of the layout. */
export function inspectCommand(): Command {
  return new Command('inspect')
    .description('show header, slots, metadata and a picture of the layout, also of a damaged file')
    .argument('<file>', 'a .pycauset or .npy file')
    .addOption(assumeOption())
    .addOption(jsonOption())
    .addHelpText('after', `${EXIT_STATUS}\n${EXAMPLES}`)
    .action(async (file: string, options: AssumeOptions & { json?: boolean }) => {
      const [{ runCommand }, { inspect }] = await Promise.all([
        import('../../output/command.js'),
        import('../../file/inspect.js'),
      ]);
      await runCommand('file inspect', options, (context) => inspect(file, options, context));
    });
}

const EXAMPLES = `
Examples:
  vgpu file inspect matrix.pycauset
  vgpu file inspect --json matrix.pycauset | jq .array`;
