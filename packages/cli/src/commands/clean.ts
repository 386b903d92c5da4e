import { Command } from 'commander';
import { EXIT_STATUS, jsonOption } from './arguments.js';

interface CleanOptions {
  dryRun?: boolean;
  json?: boolean;
}

/** `vgpu clean [DIR]`: temporary files whose process has died. */
export function cleanCommand(): Command {
  return new Command('clean')
    .description('remove temporary files that crashed processes of vgpu left behind')
    .argument('[directory]', "where they are (default: the system's folder for temporary files)")
    .option('--dry-run', 'only say what would go')
    .addOption(jsonOption())
    .addHelpText('after', `${EXIT_STATUS}\n${NOTES}`)
    .action(async (directory: string | undefined, options: CleanOptions) => {
      const [{ runCommand }, { clean }] = await Promise.all([
        import('../output/command.js'),
        import('../clean/clean.js'),
      ]);
      await runCommand('clean', options, (context) => clean(directory, options, context));
    });
}

const NOTES = `
Only regular files of that very folder whose name is vgpu-<process>-<16 hexadecimal digits>.tmp, and of them only
those that no living process has locked.

Examples:
  vgpu clean --dry-run
  vgpu clean /data/arrays`;
