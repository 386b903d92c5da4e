import { Command, InvalidArgumentError, Option } from 'commander';
import type { LogsOptions } from '../telemetry/logs.js';
import type { TopOptions } from '../telemetry/top.js';
import { countArgument, EXIT_STATUS, jsonOption, positiveArgument } from './arguments.js';

const folderOption = () =>
  new Option('--dir <folder>', 'where the files are (default: the telemetry folder, see below)');

/** `vgpu top`: what sessions compute now. */
export function topCommand(): Command {
  return new Command('top')
    .description('show what sessions compute now: kernels, times, memory, breakers, anomalies')
    .addOption(folderOption())
    .option('--interval <seconds>', 'how often it looks', positiveArgument, 1)
    .option('--window <seconds>', 'records of so many last seconds count', positiveArgument, 60)
    .option(
      '--watch',
      'again and again until cancelled (default at a terminal); with --json a line each time',
    )
    .addOption(jsonOption())
    .addHelpText('after', `${EXIT_STATUS}\n${FOLDER}${TOP_EXAMPLES}`)
    .action(async (options: TopOptions & { json?: boolean }) => {
      const [{ runCommand }, { top }] = await Promise.all([
        import('../output/command.js'),
        import('../telemetry/top.js'),
      ]);
      await runCommand('top', options, (context) => top(options, context));
    });
}

/** `vgpu logs`: what sessions have written. */
export function logsCommand(): Command {
  return new Command('logs')
    .description('print the records that sessions have written')
    .addOption(folderOption())
    .option(
      '--since <time>',
      'an age such as 90s, 15m, 2h, 7d, or a time such as 2026-01-31T12:00:00Z',
      sinceArgument,
    )
    .option('--kernel <name>', 'runs of this kernel or operation; * at the end stands for anything')
    .option('--anomalies', 'runs that took unusually long, or short')
    .option('-n, --lines <count>', 'how many of the last records', countArgument, 100)
    .option('-f, --follow', 'go on printing what comes, until cancelled')
    .addOption(jsonOption())
    .addHelpText('after', `${EXIT_STATUS}\n${FOLDER}${LOGS_EXAMPLES}`)
    .action(async (options: LogsOptions) => {
      const [{ runCommand }, { logs }] = await Promise.all([
        import('../output/command.js'),
        import('../telemetry/logs.js'),
      ]);
      await runCommand('logs', options, (context) => logs(options, context));
    });
}

const seconds: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600, d: 86_400 };

/** In milliseconds since 1970. */
function sinceArgument(text: string): number {
  const [, count, unit = ''] = /^(\d+(?:\.\d+)?)([smhd])$/.exec(text) ?? [];
  const age = Number(count) * (seconds[unit] ?? Number.NaN) * 1000;
  // A number alone would be a year.
  const time = Number.isNaN(age) && /^\d{4}-\d\d-\d\d/.test(text) ? Date.parse(text) : Date.now() - age;
  if (Number.isNaN(time))
    throw new InvalidArgumentError('It is an age such as 90s, 15m, 2h or 7d, or a date and time.');
  return time;
}

const FOLDER = `
Records are in $VGPU_TELEMETRY_DIR, else in $XDG_STATE_HOME/vgpu/telemetry (~/.local/state/vgpu/telemetry), one file for
each process. Sessions write there with fileTelemetry() of @vgpu/resilience/node, and \`vgpu compute --telemetry\`.
`;

const TOP_EXAMPLES = `
Examples:
  vgpu top
  vgpu top --window 3600 --json`;

const LOGS_EXAMPLES = `
Examples:
  vgpu logs --since 1h --anomalies
  vgpu logs --kernel 'sort*' --follow
  vgpu logs --dir /var/log/vgpu -n 1000 --json`;
