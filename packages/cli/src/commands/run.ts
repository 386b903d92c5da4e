import type { Check } from '@vgpu/executor';
import { Command, InvalidArgumentError, Option } from 'commander';
import { CliError } from '../errors.js';
import type { GpuChoice } from '../run/executor.js';
import type { Observer } from '../run/observer.js';

interface RunOptions {
  gpu?: GpuChoice;
  executor?: string;
  quiet?: boolean;
  check?: Check[];
  checkReport?: string;
  checkLimit?: number;
  errorExitcode?: number;
  verbose?: boolean;
}

const CHECKS: readonly Check[] = ['memory', 'race', 'init', 'sync'];

/** `vgpu run -- PROGRAM`: the program sees a GPU; everything else about it stays as it was. */
export function runCommand(): Command {
  return new Command('run')
    .description('run a CUDA program on a GPU that need not be in this machine')
    .usage('[options] -- PROGRAM [ARGUMENTS...]')
    .addOption(
      new Option(
        '--gpu <kind>',
        'auto: the real GPU where there is one, else the software GPU (default: auto)',
      )
        .choices(['auto', 'real', 'software'])
        .conflicts('executor'),
    )
    .option(
      '--executor <url>',
      'use this running executor, e.g. unix:/run/vgpu.sock (default: $VGPU_EXECUTOR)',
    )
    .option('--quiet', 'do not say which device serves, nor that a check found nothing')
    .addOption(
      new Option(
        '--check <checks>',
        'look for mistakes in kernels: memory, race, init, sync, with commas between them, or all (software GPU; slow)',
      )
        .argParser(checksArgument)
        .conflicts('executor'),
    )
    .option('--check-report <file>', 'write what is found there, as JSON')
    .addOption(
      new Option(
        '--check-limit <n>',
        'places to report, further ones are only counted (default: 1000)',
      ).argParser((text) => wholeNumber(text, 1, 1_000_000)),
    )
    .addOption(
      new Option(
        '--error-exitcode <n>',
        "exit with this when a check finds errors (default: the program's own)",
      ).argParser((text) => wholeNumber(text, 0, 255)),
    )
    .option('-v, --verbose', 'tell what a check finds as it happens, too')
    .argument('<program>', 'what to run; found through PATH like in a shell')
    .argument('[arguments...]', "the program's own arguments")
    .passThroughOptions()
    .addHelpText('after', EXIT_CODES)
    .action(async (program: string, args: string[], options: RunOptions) => {
      const { run } = await import('../run/run.js');
      await run({
        program,
        args,
        quiet: options.quiet ?? false,
        ...(options.gpu && { gpu: options.gpu }),
        ...(options.executor && { executor: options.executor }),
        observer: await checkSession(options),
      });
    });
}

/** @throws CliError ERR_VGPU_USAGE for options that mean nothing without --check, and for a GPU that cannot be checked */
async function checkSession(options: RunOptions): Promise<Observer | undefined> {
  const {
    check: checks,
    checkReport,
    checkLimit,
    errorExitcode,
    verbose = false,
    quiet = false,
    gpu,
  } = options;
  if (checks === undefined) {
    const alone = [checkReport && '--check-report', checkLimit && '--check-limit'].find(Boolean);
    if (alone || errorExitcode !== undefined) {
      throw new CliError('ERR_VGPU_USAGE', `${alone ?? '--error-exitcode'} needs --check`);
    }
    return undefined;
  }
  if (gpu === 'real') {
    throw new CliError(
      'ERR_VGPU_USAGE',
      '--check needs the software GPU: a real one does not tell what kernels do',
    );
  }
  // Most programs are not checked: they need not wait for this code.
  const { CheckSession } = await import('../check/session.js');
  return new CheckSession({
    checks,
    verbose,
    quiet,
    ...(checkReport !== undefined && { reportFile: checkReport }),
    ...(checkLimit !== undefined && { limit: checkLimit }),
    ...(errorExitcode !== undefined && { errorExitCode: errorExitcode }),
  });
}

function checksArgument(text: string): Check[] {
  const names = text.split(',');
  if (names.includes('all')) return [...CHECKS];
  for (const name of names) {
    if (!CHECKS.some((check) => check === name)) {
      throw new InvalidArgumentError(`It is memory, race, init, sync or all, not "${name}".`);
    }
  }
  return CHECKS.filter((check) => names.includes(check));
}

function wholeNumber(text: string, least: number, most: number): number {
  const value = /^\d+$/.test(text) ? Number(text) : Number.NaN;
  if (!(value >= least && value <= most)) {
    throw new InvalidArgumentError(`It is a whole number from ${least} to ${most}.`);
  }
  return value;
}

const EXIT_CODES = `
Exit status: the program's own, or that of --error-exitcode. When it dies of a signal, vgpu dies of the same one.
  125  vgpu itself failed, or was called wrongly
  126  the program cannot be executed
  127  the program was not found

Examples:
  vgpu run -- ./program --its --own --options
  vgpu run --gpu software -- python train.py
  vgpu run --executor tcp:192.0.2.1:4000 -- ./program
  vgpu run --check all --error-exitcode 9 -- ./program`;
