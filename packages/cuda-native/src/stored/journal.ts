// How far an operation came, in a file beside its output: what a crash may interrupt goes on from there.
import { type FileHandle, open, readFile, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { ComputeError } from '../errors.js';

/** What a journal is about. Another operation, other arrays, or another limit: then it begins anew. */
export interface JournalSubject {
  readonly operation: string;
  /** Versions of the arrays, and the sizes of the pieces. */
  readonly details: Readonly<Record<string, string | number | boolean>>;
}

const schemaVersion = 1;

/** The journal of an output. */
export function journalPath(output: string): string {
  return `${output}.progress`;
}

/**
 * Lines of JSON: the subject, and then a state each time. A state is a list of whole numbers. Whoever writes the output has it
 * alone, and so its journal. A line that was cut short by a crash does not count.
 */
export class Journal {
  readonly #path: string;
  readonly #file: FileHandle;
  /** The last state that was recorded; undefined for an operation that begins. */
  readonly state: readonly number[] | undefined;

  private constructor(path: string, file: FileHandle, state: readonly number[] | undefined) {
    this.#path = path;
    this.#file = file;
    this.state = state;
  }

  /** Opens the journal of `output`, or begins a new one. @throws ComputeError ERR_VGPU_COMPUTE_PROGRESS_FILE */
  static async open(output: string, { operation, details }: JournalSubject): Promise<Journal> {
    const path = journalPath(output);
    const subject = JSON.stringify({ schemaVersion, operation, details });
    return explained(path, async () => {
      const state = lastState(await readFile(path, 'utf8').catch(absent), subject);
      const file = await open(path, state === undefined ? 'w' : 'a');
      try {
        // A new line first: the last one may have no end.
        await file.appendFile(state === undefined ? `${subject}\n` : '\n');
        await file.sync();
        await flushFolder(path);
      } catch (error) {
        await file.close();
        throw error;
      }
      return new Journal(path, file, state);
    });
  }

  /** Durable once it returns. @throws ComputeError ERR_VGPU_COMPUTE_PROGRESS_FILE */
  async record(state: readonly number[]): Promise<void> {
    await explained(this.#path, async () => {
      await this.#file.appendFile(`${JSON.stringify(state)}\n`);
      await this.#file.datasync();
    });
  }

  /** Leaves the file for who comes later. */
  async close(): Promise<void> {
    await this.#file.close();
  }

  /** The operation is complete. */
  async remove(): Promise<void> {
    await this.#file.close();
    await explained(this.#path, () => rm(this.#path, { force: true }));
  }
}

/** A name that was made or removed is so after a power cut, too. */
async function flushFolder(path: string): Promise<void> {
  const folder = await open(dirname(path), 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

/** Undefined where the journal is about something else, or there is none. */
function lastState(text: string | undefined, subject: string): readonly number[] | undefined {
  const [first, ...lines] = text?.split('\n') ?? [];
  if (first !== subject) return undefined;
  return lines.map(stateIn).findLast((state) => state !== undefined) ?? [];
}

function stateIn(line: string): readonly number[] | undefined {
  try {
    const state: unknown = JSON.parse(line);
    const whole = Array.isArray(state) && state.every((each) => Number.isSafeInteger(each) && each >= 0);
    return whole ? (state as number[]) : undefined;
  } catch {
    return undefined;
  }
}

function absent(error: NodeJS.ErrnoException): undefined {
  if (error.code !== 'ENOENT') throw error;
}

async function explained<T>(path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    const message = `the progress in ${path} cannot be kept: ${String(cause)}`;
    throw new ComputeError('ERR_VGPU_COMPUTE_PROGRESS_FILE', message, {
      values: { path },
      cause,
      remedy: 'Make room and give rights in the folder of the output, or do without resume.',
    });
  }
}
