import { Command, InvalidArgumentError, Option } from 'commander';
import type { CreateOptions } from '../../file/create.js';
import type { Fill } from '../../file/fill.js';
import { countArgument, EXIT_STATUS, jsonOption } from '../arguments.js';
import { dtypeNames, structureNames } from './names.js';
import { forceOption } from './output.js';

/** `vgpu file create FILE`: a new array. */
export function createCommand(): Command {
  return new Command('create')
    .description('make a new array file')
    .argument('<file>', 'the new .pycauset file')
    .addOption(new Option('--structure <name>', 'what is stored').choices(structureNames).default('dense'))
    .addOption(new Option('--dtype <name>', 'type of the elements').choices(dtypeNames).default('f64'))
    .addOption(new Option('--rows <number>', 'number of rows').argParser(countArgument).makeOptionMandatory())
    .addOption(
      new Option(
        '--columns <number>',
        'number of columns (default: 1 for vectors, else --rows; dense needs it)',
      ).argParser(countArgument),
    )
    .addOption(
      new Option(
        '--fill <kind>',
        'zero, identity, index (0, 1, 2, … by rows) or random:SEED (default: zero)',
      ).argParser(fillArgument),
    )
    .option('--diagonal', 'triangular: store the diagonal too')
    .addOption(new Option('--index <number>', 'unit-vector: where its one is').argParser(countArgument))
    .option('--sparse', 'do not reserve disk space: the disk may then turn out to be full later')
    .addOption(forceOption())
    .addOption(jsonOption())
    .addHelpText('after', `${EXIT_STATUS}\n${EXAMPLES}`)
    .action(async (file: string, options: CreateOptions & { json?: boolean }) => {
      const [{ runCommand }, { create }] = await Promise.all([
        import('../../output/command.js'),
        import('../../file/create.js'),
      ]);
      await runCommand('file create', options, (context) => create(file, options, context));
    });
}

function fillArgument(text: string): Fill {
  if (text === 'zero' || text === 'identity' || text === 'index') return { kind: text };
  const [, seed] = /^random:(\d+)$/.exec(text) ?? [];
  if (seed !== undefined && Number.isSafeInteger(Number(seed))) return { kind: 'random', seed: Number(seed) };
  throw new InvalidArgumentError('It is zero, identity, index, or random: and a whole number.');
}

const EXAMPLES = `
Examples:
  vgpu file create --rows 1000 --columns 1000 zeros.pycauset
  vgpu file create --structure symmetric --dtype f32 --rows 5000 --fill random:7 noise.pycauset`;
