import { Command } from 'commander';
import { EXIT_STATUS, jsonOption } from '../arguments.js';
import { assumeOption, type AssumeOptions } from './assume.js';

/** `vgpu file verify FILE…`: reads everything and compares it with its checksums. */
export function verifyCommand(): Command {
  return new Command('verify')
    .description('check header, metadata and payload against their checksums')
    .argument('<files...>', '.pycauset or .npy files')
    .addOption(assumeOption())
    .addOption(jsonOption())
    .addHelpText('after', `${EXIT_STATUS}\n${NOTES}`)
    .action(async (files: string[], options: AssumeOptions & { json?: boolean }) => {
      const [{ runCommand }, { verify }] = await Promise.all([
        import('../../output/command.js'),
        import('../../file/verify.js'),
      ]);
      await runCommand('file verify', options, (context) => verify(files, options, context));
    });
}

const NOTES = `  (3: a file is damaged; 1: a file could not be read)

Files of other programs have no checksum of their payload: then it says so, and what can be checked is.

Examples:
  vgpu file verify matrix.pycauset
  vgpu file verify --json *.pycauset | jq '.files[] | select(.ok | not)'`;
