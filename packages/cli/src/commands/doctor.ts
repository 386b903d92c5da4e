import { Command } from 'commander';
import { EXIT_STATUS, jsonOption } from './arguments.js';

interface DoctorOptions {
  program?: string;
  json?: boolean;
}

/** `vgpu doctor`: does everything work here? */
export function doctorCommand(): Command {
  return new Command('doctor')
    .description('check this machine, the parts of vgpu, and a program')
    .option('--program <file>', 'also look whether this program or library will find its GPU')
    .addOption(jsonOption())
    .addHelpText('after', `${EXIT_STATUS}\n${EXAMPLES}`)
    .action(async (options: DoctorOptions) => {
      const [{ runCommand }, { doctor }] = await Promise.all([
        import('../output/command.js'),
        import('../doctor/doctor.js'),
      ]);
      await runCommand('doctor', options, (context) => doctor(options, context));
    });
}

const EXAMPLES = `
Examples:
  vgpu doctor
  vgpu doctor --program ./simulation`;
