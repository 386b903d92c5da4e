import { Command, InvalidArgumentError, Option } from 'commander';

interface ProfileOptions {
  output?: string;
  json?: boolean;
  html?: string;
  lines: number;
  quiet?: boolean;
}

const MOST_LINES = 1000;

/** `vgpu profile -- PROGRAM`: runs the program on the software GPU and counts what its kernels do. */
export function profileCommand(): Command {
  return new Command('profile')
    .description('run a CUDA program on the software GPU and count what its kernels do')
    .usage('[options] -- PROGRAM [ARGUMENTS...]')
    .option('-o, --output <file>', 'where the report goes (default: stderr)')
    .option('--json', 'the report as one JSON document instead of text')
    .option('--html <file>', 'write a page with charts there, too')
    .addOption(
      new Option('--lines <n>', 'lines of PTX that the text shows for each kernel')
        .argParser(linesArgument)
        .default(5),
    )
    .option('--quiet', 'do not say which device serves')
    .argument('<program>', 'what to run; found through PATH like in a shell')
    .argument('[arguments...]', "the program's own arguments")
    .passThroughOptions()
    .addHelpText('after', NOTES)
    .action(async (program: string, args: string[], options: ProfileOptions) => {
      const [{ run }, { ProfileSession }] = await Promise.all([
        import('../run/run.js'),
        import('../profile/session.js'),
      ]);
      const { output, html, json = false, lines, quiet = false } = options;
      await run({
        program,
        args,
        quiet,
        observer: new ProfileSession({
          json,
          lines,
          ...(output !== undefined && { outputFile: output }),
          ...(html !== undefined && { htmlFile: html }),
        }),
      });
    });
}

function linesArgument(text: string): number {
  const value = /^\d+$/.test(text) ? Number(text) : Number.NaN;
  if (!(value <= MOST_LINES)) throw new InvalidArgumentError(`It is a whole number from 0 to ${MOST_LINES}.`);
  return value;
}

const NOTES = `
Counts are exact, and those of PTX; times are those of the software GPU while it counts, not of a real one.
What each number means: docs/profiler.md.

Examples:
  vgpu profile -- ./program
  vgpu profile --html profile.html -- ./program
  vgpu profile --json -o profile.json -- ./program

Exit status: the program's own. When it dies of a signal, vgpu dies of the same one.
  125  vgpu itself failed, or was called wrongly
  126  the program cannot be executed
  127  the program was not found`;
