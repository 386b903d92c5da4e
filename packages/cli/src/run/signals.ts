import type { ChildProcess } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { constants } from 'node:os';

const ENDING = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT'] as const;
const RELAYED: readonly NodeJS.Signals[] = [
  ...ENDING,
  'SIGUSR1',
  'SIGUSR2',
  'SIGWINCH',
  'SIGCONT',
  'SIGTSTP',
];

/** The terminal sends these to its whole foreground process group: the program gets them without us. */
const FROM_TERMINAL: ReadonlySet<NodeJS.Signals> = new Set(['SIGINT', 'SIGQUIT', 'SIGWINCH', 'SIGTSTP']);

/**
 * Hands the signals that vgpu receives to the program. Before there is a program, one that asks to end aborts
 * what is going on instead.
 */
export class SignalRelay {
  /** The signal that arrived before there was a program. */
  interruptedBy: NodeJS.Signals | undefined;
  readonly #abort = new AbortController();
  #program: ChildProcess | undefined;

  constructor() {
    for (const signal of RELAYED) process.on(signal, this.#receive);
  }

  get abortSignal(): AbortSignal {
    return this.#abort.signal;
  }

  attach(program: ChildProcess): void {
    this.#program = program;
  }

  close(): void {
    for (const signal of RELAYED) process.removeListener(signal, this.#receive);
  }

  readonly #receive = (signal: NodeJS.Signals): void => {
    if (this.#program) {
      if (!(FROM_TERMINAL.has(signal) && inForeground())) this.#program.kill(signal);
    } else if (ENDING.some((ending) => ending === signal)) {
      this.interruptedBy ??= signal;
      this.#abort.abort(new Error(`interrupted by ${signal}`));
    }
    // Listening took away the effect of SIGTSTP; without stopping, the shell would wait for us for ever.
    if (signal === 'SIGTSTP') process.kill(process.pid, 'SIGSTOP');
  };
}

/** Whether this process belongs to the foreground process group of its terminal. */
function inForeground(): boolean {
  const stat = readFileSync('/proc/self/stat', 'utf8');
  // The second field is the command in parentheses, which may itself contain spaces and parentheses.
  const [, , group, , , terminalGroup] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return group === terminalGroup;
}

/** Ends this process as the signal would have. Does not return. */
export function dieOf(signal: NodeJS.Signals): void {
  // Whoever reads a core file wants the program's, so ours must be neither large nor in its place.
  try {
    writeFileSync('/proc/self/coredump_filter', '0');
    process.chdir('/proc');
  } catch {
    // Without /proc there will be a useless core file at worst.
  }
  // Adding and removing a listener leaves the default action, also where Node ignores or handles the signal.
  if (signal !== 'SIGKILL' && signal !== 'SIGSTOP') {
    const nothing = () => {};
    process.on(signal, nothing);
    process.removeListener(signal, nothing);
  }
  process.kill(process.pid, signal);
  // A blocked signal has no effect; then say it as a shell does.
  setTimeout(() => process.exit(128 + constants.signals[signal]), 500);
}
