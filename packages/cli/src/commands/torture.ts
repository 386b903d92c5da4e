import { tmpdir } from 'node:os';
import { Command, Option } from 'commander';
import { bytesArgument, EXIT_STATUS, examples, jsonOption, positiveArgument } from './arguments.js';

interface MemoryOptions {
  times?: number;
  limit?: number;
  directory: string;
  chunk?: number;
  short?: boolean;
  json?: boolean;
}

/** `vgpu torture`: tests that are too long for every day. */
export function tortureCommand(): Command {
  return new Command('torture')
    .description('hard tests of this machine with vgpu')
    .addCommand(memoryCommand())
    .addHelpText('after', examples('vgpu torture memory --short'));
}

function memoryCommand(): Command {
  return new Command('memory')
    .description('pass several times the memory through scratch memory, and see that it all comes back')
    .addOption(
      new Option('--times <number>', 'how many times the memory (default: 4)').argParser(positiveArgument),
    )
    .addOption(
      new Option('--limit <bytes>', 'at most so much in all, whatever --times says').argParser(bytesArgument),
    )
    .option('--directory <path>', 'where the scratch file goes', tmpdir())
    .addOption(new Option('--chunk <bytes>', 'how much at a time (default: 64MiB)').argParser(bytesArgument))
    .option('--short', 'a test of seconds: as if there were 1 GiB of memory, 2 times, in chunks of 8 MiB')
    .addOption(jsonOption())
    .addHelpText('after', `${EXIT_STATUS}\n${NOTES}`)
    .action(async (options: MemoryOptions) => {
      const [{ runCommand }, { tortureMemory }] = await Promise.all([
        import('../output/command.js'),
        import('../torture/memory.js'),
      ]);
      await runCommand('torture memory', options, (context) => tortureMemory(options, context));
    });
}

const NOTES = `
Half of it is anonymous memory, half a scratch file that takes at most half of the free disk space. All of it is
filled with a pattern and read back. It passes when the process never has more than 1/8 of the memory resident,
nothing stays in memory after it was given back, and every page is as it was written.

Examples:
  vgpu torture memory --short
  vgpu torture memory --times 4 --directory /data/scratch --json`;
