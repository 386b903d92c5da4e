import { Command, Option } from 'commander';
import type { GpuChoice } from '../run/executor.js';
import type { TraceFormatName } from '../trace/formats.js';

interface TraceOptions {
  gpu?: GpuChoice;
  executor?: string;
  format: TraceFormatName;
  output?: string;
}

/** `vgpu trace -- PROGRAM`: as `vgpu run`, and then every CUDA call that the program made. */
export function traceCommand(): Command {
  return new Command('trace')
    .description('run a CUDA program and show its calls, with arguments, results and times')
    .usage('[options] -- PROGRAM [ARGUMENTS...]')
    .addOption(
      new Option('--format <format>', 'text, jsonl: a line of JSON per call, chrome: for Perfetto')
        .choices(['text', 'jsonl', 'chrome'])
        .default('text'),
    )
    .option('-o, --output <file>', 'write the trace there (default: stderr)')
    .addOption(
      new Option('--gpu <kind>', 'auto: the real GPU where there is one, else the software GPU')
        .choices(['auto', 'real', 'software'])
        .conflicts('executor'),
    )
    .option('--executor <url>', 'use this running executor (default: $VGPU_EXECUTOR)')
    .argument('<program>', 'what to run; found through PATH like in a shell')
    .argument('[arguments...]', "the program's own arguments")
    .passThroughOptions()
    .addHelpText('after', NOTES)
    .action(async (program: string, args: string[], options: TraceOptions) => {
      const [{ run }, { TraceSession }] = await Promise.all([
        import('../run/run.js'),
        import('../trace/session.js'),
      ]);
      const { format, output } = options;
      await run({
        program,
        args,
        quiet: true,
        ...(options.gpu && { gpu: options.gpu }),
        ...(options.executor && { executor: options.executor }),
        observer: new TraceSession({ format, ...(output !== undefined && { output }) }),
      });
    });
}

const NOTES = `
Child processes are traced too. Results of calls are what the call left behind its pointers; of structures and arrays
only the address is shown. A call costs some microseconds more.

Exit status: the program's own, as with vgpu run.

Examples:
  vgpu trace -- ./program
  vgpu trace --format chrome -o trace.json -- ./program     then open it at ui.perfetto.dev`;
