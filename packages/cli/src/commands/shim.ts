import { Command, Option } from 'commander';
import type { InstallOptions } from '../shim/install.js';
import { scopes } from '../shim/scope-names.js';
import type { UndoOptions } from '../shim/undo.js';
import { countArgument, EXIT_STATUS, examples, jsonOption } from './arguments.js';

interface RootOptions {
  root: string;
  json?: boolean;
}

/** `vgpu shim`: the guest library for a whole system. */
export function shimCommand(): Command {
  return new Command('shim')
    .description('install the library for CUDA programs for a whole system, so that it can always be undone')
    .addCommand(installCommand())
    .addCommand(confirmCommand())
    .addCommand(statusCommand())
    .addCommand(verifyCommand())
    .addCommand(explainCommand())
    .addCommand(undoingCommand('rollback', 'last', 'undo the last installation'))
    .addCommand(undoingCommand('uninstall', 'all', 'undo all installations: as before the first one'))
    .addHelpText(
      'after',
      examples('vgpu shim install --dry-run', 'vgpu shim status', 'vgpu shim explain ollama'),
    );
}

const rootOption = () =>
  new Option('--root <folder>', 'the system whose / this is, instead of the running one').default('/');

function installCommand(): Command {
  return new Command('install')
    .description('install it: shows what it will do, tries it, and undoes it unless you confirm')
    .addOption(
      new Option('--scope <scope>', 'who gets the library, see below').choices(scopes).default('system'),
    )
    .option('--service <name>', 'the service of --scope service, such as ollama.service')
    .option('--executor <url>', 'where programs find their GPU, such as unix:/run/vgpu/executor.sock')
    .option('--restart <service>', 'restart this service, and look that it runs with the library')
    .option('--library <file>', 'install this library instead of the one that came with vgpu')
    .option('--over-real-driver', 'put executors before the NVIDIA driver that is installed on this machine')
    .option(
      '--confirm-within <seconds>',
      'undo it after so long without `vgpu shim confirm`; 0: never',
      countArgument,
      120,
    )
    .option('--dry-run', 'only say what would be done')
    .option('-y, --yes', 'do not ask')
    .addOption(rootOption())
    .addOption(jsonOption())
    .addHelpText('after', `${EXIT_STATUS}\n${INSTALL_NOTES}`)
    .action(async (options: InstallOptions & { json?: boolean }) => {
      const [{ runCommand }, { install }] = await Promise.all([
        import('../output/command.js'),
        import('../shim/install.js'),
      ]);
      await runCommand('shim install', options, (context) => install(options, context));
    });
}

function confirmCommand(): Command {
  return new Command('confirm')
    .description('keep the last installation')
    .addOption(rootOption())
    .addOption(jsonOption())
    .addHelpText('after', EXIT_STATUS + examples('sudo vgpu shim confirm'))
    .action(async (options: RootOptions) => {
      const [{ runCommand }, { confirm }] = await Promise.all([
        import('../output/command.js'),
        import('../shim/confirm.js'),
      ]);
      await runCommand('shim confirm', options, async () => confirm(options));
    });
}

function statusCommand(): Command {
  return new Command('status')
    .description('say what is installed, and how many processes have it')
    .addOption(rootOption())
    .addOption(jsonOption())
    .addHelpText(
      'after',
      `${EXIT_STATUS}: nothing is installed, or it is not confirmed${examples('vgpu shim status', 'vgpu shim status --json')}`,
    )
    .action(async (options: RootOptions) => {
      const [{ runCommand }, { status }] = await Promise.all([
        import('../output/command.js'),
        import('../shim/status.js'),
      ]);
      await runCommand('shim status', options, async () => status(options));
    });
}

function verifyCommand(): Command {
  return new Command('verify')
    .description('look whether what is installed works, in fresh processes')
    .addOption(rootOption())
    .addOption(jsonOption())
    .addHelpText('after', EXIT_STATUS + examples('sudo vgpu shim verify'))
    .action(async (options: RootOptions) => {
      const [{ runCommand }, { verify }] = await Promise.all([
        import('../output/command.js'),
        import('../shim/status.js'),
      ]);
      await runCommand('shim verify', options, (context) => verify(options, context));
    });
}

function explainCommand(): Command {
  return new Command('explain')
    .description('why a process has a device, will have one, or never has')
    .argument('<process>', 'the number of a running process, or the name or path of a program')
    .addOption(jsonOption())
    .addHelpText('after', `${EXIT_STATUS}\n${EXPLAIN_EXAMPLES}`)
    .action(async (process: string, options: { json?: boolean }) => {
      const [{ runCommand }, { explain }] = await Promise.all([
        import('../output/command.js'),
        import('../shim/explain.js'),
      ]);
      await runCommand('shim explain', options, async () => explain(process));
    });
}

function undoingCommand(name: string, which: 'last' | 'all', description: string): Command {
  return new Command(name)
    .description(description)
    .option('-y, --yes', 'do not ask')
    .addOption(rootOption())
    .addOption(jsonOption())
    .addHelpText(
      'after',
      `${EXIT_STATUS}\n${UNDO_NOTES}\n${examples(`sudo vgpu shim ${name}`, `sudo vgpu shim ${name} --root /mnt --yes`)}`,
    )
    .action(async (options: UndoOptions & { json?: boolean }) => {
      const [{ runCommand }, { undoCommand }] = await Promise.all([
        import('../output/command.js'),
        import('../shim/undo.js'),
      ]);
      await runCommand(`shim ${name}`, options, (context) => undoCommand(which, options, context));
    });
}

const INSTALL_NOTES = `
Scopes, the smallest first. For one program none of them is needed: vgpu run -- PROGRAM.
  program    programs that ask for CUDA by name: /etc/ld.so.conf.d
  service    one service (--service NAME): a drop-in of systemd
  container  containers started with --device vgpu.dev/gpu=shim: /etc/cdi
  system     every program that starts: /etc/ld.so.preload

Every change is written into a journal before it is made. vgpu shim rollback undoes them, also after a power cut in the
middle; so does /usr/lib/vgpu-shim/current/vgpu-shim-recover where Node does not start.

Examples:
  vgpu shim install --dry-run
  sudo vgpu shim install --scope service --service ollama.service --restart ollama.service
  sudo vgpu shim install --executor unix:/run/vgpu/executor.sock && sudo vgpu shim confirm`;

const UNDO_NOTES = `
The same without Node: /usr/lib/vgpu-shim/current/vgpu-shim-recover [--root DIR] [--all]`;

const EXPLAIN_EXAMPLES = `
Examples:
  vgpu shim explain 4711
  vgpu shim explain ollama
  vgpu shim explain /usr/bin/sudo --json`;
