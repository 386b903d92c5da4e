// What the commands that run no program share: where output goes, signals, exit codes.
import { CliError, describeError, EXIT_CANCELLED, EXIT_FAILED, exitCodeOf } from '../errors.js';
import { errorDocument, jsonDocument } from './json.js';
import { Progress } from './progress.js';
import { stdout } from './stdout.js';
import { type Style, styleOf } from './style.js';

export interface CommonOptions {
  /** One JSON document on stdout instead of text. */
  readonly json?: boolean | undefined;
}

export interface Context {
  /**
   * Aborted by the first SIGINT, SIGTERM or SIGHUP; the second one ends the process at once. Also once nobody reads stdout any more:
   * what prints without end then ends quietly.
   */
  readonly signal: AbortSignal;
  /** On stderr, at a terminal only. */
  readonly progress: Progress;
  /** Of stdout. */
  readonly style: Style;
  /** A line on stderr. */
  say(text: string): void;
}

export interface Outcome {
  /** What --json prints. */
  readonly document: object;
  /** What people read. */
  readonly text: string;
  /** 0 unless said otherwise. */
  readonly exitCode?: number;
}

const ENDING = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** Does the work of a command, prints its outcome, and sets the exit code. Never throws. */
export async function runCommand(
  name: string,
  { json = false }: CommonOptions,
  work: (context: Context) => Promise<Outcome>,
): Promise<void> {
  const interruption = new Interruption();
  // Nobody reads on, or nothing can be written: what prints without end ends.
  stdout().on('error', () => interruption.loseReader());
  try {
    const outcome = await work({
      signal: interruption.signal,
      progress: new Progress(),
      style: styleOf(process.stdout, process.env),
      say: (text) => process.stderr.write(`${text}\n`),
    });
    const { exitCode = 0, document, text } = outcome;
    const lines = text === '' ? '' : `${text}\n`;
    stdout().write(json ? jsonDocument(name, exitCode === 0, document) : lines);
    process.exitCode = exitCode;
  } catch (caught) {
    if (interruption.lostReader) return;
    const error = interruption.cancellation ?? caught;
    process.stderr.write(describeError(error));
    if (json) stdout().write(jsonDocument(name, false, { error: errorDocument(error) }));
    process.exitCode = exitCodeOf(error, EXIT_FAILED);
  } finally {
    interruption.end();
  }
}

class Interruption {
  /** What the command failed with if it was interrupted. */
  cancellation: CliError | undefined;
  /** Whether nobody reads what the command prints. */
  lostReader = false;
  readonly #abort = new AbortController();

  constructor() {
    for (const signal of ENDING) process.once(signal, this.#receive);
  }

  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  loseReader(): void {
    this.lostReader = this.cancellation === undefined;
    this.#abort.abort();
  }

  end(): void {
    for (const signal of ENDING) process.removeListener(signal, this.#receive);
  }

  readonly #receive = (signal: NodeJS.Signals): void => {
    // From here on a signal has its ordinary effect, or work that does not end could not be left.
    this.end();
    this.cancellation = new CliError('ERR_VGPU_CANCELLED', `cancelled by ${signal}`, {
      exitCode: EXIT_CANCELLED,
    });
    this.#abort.abort(this.cancellation);
  };
}
