import { resolve } from 'node:path';
import { Command, Option } from 'commander';
import type { ServeOptions } from '../executor/serve.js';
import {
  bytesArgument,
  countArgument,
  EXIT_STATUS,
  examples,
  jsonOption,
  positiveArgument,
} from './arguments.js';

export const executorOption = () =>
  new Option('--executor <url>', 'this one (default: $VGPU_EXECUTOR, or else the one in the background)');

/** `vgpu executor`: a server of GPUs that outlives the command that starts it. */
export function executorCommand(): Command {
  return new Command('executor')
    .description('start, stop and look at the executor, which serves a GPU to programs')
    .addCommand(startCommand())
    .addCommand(stopCommand())
    .addCommand(statusCommand())
    .addCommand(logsCommand())
    .addCommand(serveCommand())
    .addHelpText(
      'after',
      examples('eval "$(vgpu executor start)"', 'vgpu executor status', 'vgpu executor stop'),
    );
}

function startCommand(): Command {
  return withServeOptions(new Command('start'))
    .description('start an executor in the background, one per user')
    .addOption(jsonOption())
    .addHelpText('after', `${EXIT_STATUS}\n${START_EXAMPLES}`)
    .action(async (options: ServeFlags & { json?: boolean }) => {
      const [{ runCommand }, { start }] = await Promise.all([
        import('../output/command.js'),
        import('../executor/start.js'),
      ]);
      await runCommand('executor start', options, (context) => start(serveArguments(options), context));
    });
}

function stopCommand(): Command {
  return new Command('stop')
    .description('stop the executor in the background; programs that use it lose their GPU')
    .addOption(jsonOption())
    .addHelpText('after', EXIT_STATUS + examples('vgpu executor stop'))
    .action(async (options: { json?: boolean }) => {
      const [{ runCommand }, { stop }] = await Promise.all([
        import('../output/command.js'),
        import('../executor/stop.js'),
      ]);
      await runCommand('executor stop', options, stop);
    });
}

function statusCommand(): Command {
  return new Command('status')
    .description('say whether an executor runs, and what it serves')
    .addOption(executorOption())
    .addOption(jsonOption())
    .addHelpText('after', `${EXIT_STATUS}: none runs${STATUS_EXAMPLES}`)
    .action(async (options: { executor?: string; json?: boolean }) => {
      const [{ runCommand }, { status }] = await Promise.all([
        import('../output/command.js'),
        import('../executor/status.js'),
      ]);
      await runCommand('executor status', options, () => status(options.executor));
    });
}

interface LogsOptions {
  lines: number;
  follow?: boolean;
  json?: boolean;
}

function logsCommand(): Command {
  return new Command('logs')
    .description('print what the executor in the background has logged')
    .option('-n, --lines <count>', 'how many of the last lines', countArgument, 100)
    .option('-f, --follow', 'go on printing what comes, until cancelled')
    .addOption(jsonOption())
    .addHelpText('after', EXIT_STATUS + examples('vgpu executor logs --lines 20 --follow'))
    .action(async (options: LogsOptions) => {
      const [{ runCommand }, { logs }] = await Promise.all([
        import('../output/command.js'),
        import('../executor/logs.js'),
      ]);
      await runCommand('executor logs', options, (context) => logs(options, context));
    });
}

function serveCommand(): Command {
  return withServeOptions(new Command('serve'))
    .description('run an executor in the foreground, for service managers and containers')
    .option('--log-file <file>', 'log into this file instead of stderr')
    .addHelpText('after', EXIT_STATUS + SERVE_EXAMPLES)
    .action(async (flags: ServeFlags) => {
      const [{ runCommand }, { serve }] = await Promise.all([
        import('../output/command.js'),
        import('../executor/serve.js'),
      ]);
      await runCommand('executor serve', {}, (context) => serve(toServeOptions(flags), context));
    });
}

interface ServeFlags {
  gpu?: ServeOptions['gpu'];
  listen?: string[];
  tokenFile?: string;
  memory?: number;
  clientMemory?: number;
  clientFraction?: number;
  idleLimit?: number;
  clientLifetime?: number;
  maxClients?: number;
  threads?: number;
  kernelTimeout?: number;
  logFile?: string;
}

function withServeOptions(command: Command): Command {
  return command
    .addOption(
      new Option('--gpu <kind>', 'auto: the real GPU where there is one, else the software GPU').choices([
        'auto',
        'real',
        'software',
      ]),
    )
    .addOption(
      new Option(
        '--listen <url>',
        'listen here too, e.g. tcp:0.0.0.0:4000; may be given several times',
      ).argParser((url: string, urls: string[] = []) => [...urls, url]),
    )
    .option('--token-file <file>', 'clients over TCP and vsock must know the secret in this file')
    .option('--memory <size>', "the software GPU's memory (default: half of the machine's)", bytesArgument)
    .option('--client-memory <size>', 'what each client may take of it', bytesArgument)
    .option(
      '--client-fraction <share>',
      'of the threads that the kernels of each client may use, e.g. 0.25',
      positiveArgument,
    )
    .option('--idle-limit <seconds>', 'a client that asks for nothing for so long is ended', countArgument)
    .option('--client-lifetime <seconds>', 'a client that is connected for so long is ended', countArgument)
    .option('--max-clients <count>', 'at a time (default: 256)', countArgument)
    .option('--threads <count>', 'of the software GPU (default: one per core)', countArgument)
    .option(
      '--kernel-timeout <seconds>',
      'a kernel that runs for longer is stopped; 0: never (default: 600)',
      countArgument,
    );
}

function toServeOptions(flags: ServeFlags): ServeOptions {
  const { memory, clientMemory, idleLimit, clientLifetime, maxClients, kernelTimeout, ...others } = flags;
  return {
    ...others,
    memoryBytes: memory,
    clientMemoryBytes: clientMemory,
    idleLimitSeconds: idleLimit,
    clientLifetimeSeconds: clientLifetime,
    maximumClients: maxClients,
    kernelTimeoutSeconds: kernelTimeout,
  };
}

/** The same options for `vgpu executor serve`. */
function serveArguments({ listen, tokenFile, ...flags }: ServeFlags & { json?: boolean }): string[] {
  const values: Record<string, string | number | undefined> = {
    '--gpu': flags.gpu,
    // The process in the background has another working folder.
    '--token-file': tokenFile && resolve(tokenFile),
    '--memory': flags.memory,
    '--client-memory': flags.clientMemory,
    '--client-fraction': flags.clientFraction,
    '--idle-limit': flags.idleLimit,
    '--client-lifetime': flags.clientLifetime,
    '--max-clients': flags.maxClients,
    '--threads': flags.threads,
    '--kernel-timeout': flags.kernelTimeout,
  };
  const given = Object.entries(values).filter(([, value]) => value !== undefined);
  return [
    ...given.flatMap(([flag, value]) => [flag, String(value)]),
    ...(listen ?? []).flatMap((url) => ['--listen', url]),
  ];
}

const START_EXAMPLES = `
It is private to this user: its socket, state and log are in $XDG_RUNTIME_DIR/vgpu. \`vgpu run\` uses it when
VGPU_EXECUTOR names it, as the line that is printed does.

Examples:
  eval "$(vgpu executor start)" && vgpu run -- ./program
  vgpu executor start --memory 8GiB --listen tcp:0.0.0.0:4000 --token-file secret`;

const STATUS_EXAMPLES = examples(
  'vgpu executor status',
  'vgpu executor status --executor unix:/run/vgpu/executor.sock --json',
);

const SERVE_EXAMPLES = examples(
  'vgpu executor serve --listen unix:/run/vgpu/executor.sock',
  'vgpu executor serve --listen tcp:0.0.0.0:4000 --token-file /etc/vgpu/token --client-memory 2GiB',
);
