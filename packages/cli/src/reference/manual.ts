// The man page, in the macros of man(7).
import type { CommandFacts, OptionFacts } from '../command-walk.js';

/** @param commands those of `walk`, the program itself first */
export function manualPage(commands: readonly CommandFacts[]): string {
  const [program, ...others] = commands;
  const lines = [
    '.TH VGPU 1 "" "vgpu" "User Commands"',
    '.SH NAME',
    `vgpu \\- ${escaped(program?.description ?? '')}`,
    '.SH SYNOPSIS',
    '.B vgpu',
    '.I command',
    '[\\fIoptions\\fR] [\\fIarguments\\fR]',
    '.SH COMMANDS',
    ...others.flatMap(commandLines),
    '.SH EXIT STATUS',
    ...EXIT_STATUS.flatMap(([status, meaning]) => ['.TP', `.B ${status}`, escaped(meaning)]),
    '.SH ENVIRONMENT',
    ...ENVIRONMENT.flatMap(([name, meaning]) => ['.TP', `.B ${name}`, escaped(meaning)]),
  ];
  return `${lines.join('\n')}\n`;
}

const EXIT_STATUS = [
  ['0', 'done'],
  ['1', 'an error, or called wrongly'],
  ['2', 'cancelled'],
  ['3', 'done, and something is not as it should be'],
  [
    '125, 126, 127',
    'vgpu run, trace and profile: vgpu failed, the program cannot be executed, or was not found',
  ],
  ['other', "vgpu run, trace and profile: the program's own"],
] as const;

const ENVIRONMENT = [
  ['VGPU_EXECUTOR', 'the executor that programs use, such as unix:/run/vgpu/executor.sock'],
  ['VGPU_TOKEN_FILE', 'the secret that executors at TCP and vsock ask for'],
  ['VGPU_LOG', 'a file, or journal: where the guest library says why there is no device'],
  ['VGPU_TELEMETRY_DIR', 'where sessions write their records'],
  ['NO_COLOR', 'if set and not empty: no colours, and nothing on the terminal is overwritten'],
] as const;

function commandLines({ path, usage, description, options, subcommands, notes }: CommandFacts): string[] {
  // A group says nothing that its members do not say.
  if (subcommands.length > 0) return [];
  return [
    `.SS "${escaped(path)} ${escaped(usage)}"`,
    `${escaped(capital(description))}.`,
    ...options.flatMap(optionLines),
    '.PP',
    '.nf',
    ...notes.split('\n').map(escaped),
    '.fi',
  ];
}

function optionLines({ flags, description }: OptionFacts): string[] {
  return ['.TP', `.B ${escaped(flags)}`, escaped(description)];
}

export function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

/** Backslashes, hyphens that must stay hyphens, and control characters at the start of a line. */
function escaped(text: string): string {
  return text
    .replaceAll('\\', '\\e')
    .replaceAll('-', '\\-')
    .replace(/^([.'])/, '\\&$1');
}
