import { Command, Option } from 'commander';
import type { RepairOptions } from '../../file/repair.js';
import { EXIT_STATUS, jsonOption } from '../arguments.js';
import { assumeOption } from './assume.js';

/** `vgpu file repair FILE`. */
export function repairCommand(): Command {
  return new Command('repair')
    .description('say what is wrong with an array file, and bring it back into order')
    .argument('<file>', 'a .pycauset file')
    .option('--dry-run', 'only say what is wrong and what would be done')
    .addOption(
      new Option(
        '--accept-uncommitted',
        'keep what an interrupted in-place update left: some values old, some new',
      ).conflicts(['acceptDamaged', 'useSlot']),
    )
    .addOption(
      new Option('--accept-damaged', 'keep a payload that contradicts its checksum').conflicts('useSlot'),
    )
    .addOption(new Option('--use-slot <slot>', 'go on with the version of this slot').choices(['A', 'B']))
    .option('--yes', 'do not ask')
    .option('--no-backup', 'keep no copy of the file as it was')
    .option('--force', 'replace an earlier copy')
    .addOption(assumeOption())
    .addOption(jsonOption())
    .addHelpText('after', `${EXIT_STATUS}\n${NOTES}`)
    .action(async (file: string, options: RepairOptions & { json?: boolean }) => {
      const [{ runCommand }, { repairFile }] = await Promise.all([
        import('../../output/command.js'),
        import('../../file/repair.js'),
      ]);
      await runCommand('file repair', options, (context) => repairFile(file, options, context));
    });
}

const NOTES = `  (3: something is, or is still, wrong)

Unasked it does only what loses nothing: writes a damaged slot anew, and cuts off bytes that belong to nothing.
Before any change the file is copied to FILE.before-repair.

Examples:
  vgpu file repair --dry-run matrix.pycauset
  vgpu file repair --use-slot A --yes matrix.pycauset`;
