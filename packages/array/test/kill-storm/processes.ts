// The processes of the storm.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { build } from 'tsup';
import { z } from 'zod';
import type { Message, Mode } from './messages.js';

const messageSchema: z.ZodType<Message> = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('ready'), version: z.number(), scratch: z.array(z.string()) }),
  z.object({ kind: z.enum(['begin', 'commit', 'done']), version: z.number() }),
]);
/** In milliseconds. */
const longestLife = 60_000;
const namesSchema = z.array(z.string());

/** The programs, as JavaScript: to load TypeScript takes longer than a writer lives. */
export class Programs implements Disposable {
  readonly #folder: string;

  private constructor(folder: string) {
    this.#folder = folder;
  }

  static async build(): Promise<Programs> {
    // Inside the package, where its dependencies are found.
    const folder = join(import.meta.dirname, '..', '..', 'build', `kill-storm-${process.pid}`);
    const entry = ['writer.ts', 'keeper.ts'].map((script) => join(import.meta.dirname, script));
    await build({ entry, outDir: folder, format: 'esm', target: 'node20', silent: true, config: false });
    return new Programs(folder);
  }

  /** A writer that is not killed in time ends by itself, and that is an error. */
  start(program: 'writer' | 'keeper', words: readonly string[]): ChildProcess {
    return spawn(process.execPath, [join(this.#folder, `${program}.js`), ...words], {
      stdio: ['pipe', 'pipe', 'inherit'],
      ...(program === 'writer' ? { timeout: longestLife } : {}),
    });
  }

  [Symbol.dispose](): void {
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

/** Commits until it is killed. */
export class Writer {
  readonly #child: ChildProcess;
  readonly #ended: Promise<unknown>;
  readonly messages: Message[] = [];
  #onMessage: (() => void) | undefined;
  #gone = false;

  constructor(programs: Programs, directory: string, mode: Mode, version: number) {
    this.#child = programs.start('writer', [directory, mode, String(version)]);
    const output = this.#child.stdout;
    if (output === null) throw new Error('the writer has no output');
    createInterface({ input: output }).on('line', (line) => {
      this.messages.push(messageSchema.parse(JSON.parse(line)));
      this.#onMessage?.();
    });
    // `close` comes after the last line.
    this.#ended = once(this.#child, 'close').then(() => {
      this.#gone = true;
      this.#onMessage?.();
    });
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  /** Waits for the message number `count`, from 1. @throws Error when the writer ends before. */
  async said(count: number): Promise<void> {
    while (this.messages.length < count) {
      if (this.#gone) throw new Error(`a writer ended by itself (status ${this.#child.exitCode})`);
      await new Promise<void>((resolve) => {
        this.#onMessage = resolve;
      });
    }
  }

  /** After it everything that the writer said is in `messages`. @throws Error when it was dead already. */
  async kill(): Promise<void> {
    this.#child.kill('SIGKILL');
    await this.#ended;
    if (this.#child.signalCode !== 'SIGKILL') {
      throw new Error(`a writer ended by itself (status ${this.#child.exitCode})`);
    }
  }
}

/** Holds scratch files; must lose none of them. */
export class Keeper {
  readonly #child: ChildProcess;
  files: readonly string[] = [];

  constructor(programs: Programs, directory: string) {
    this.#child = programs.start('keeper', [directory]);
  }

  async ready(): Promise<void> {
    const output = this.#child.stdout;
    if (output === null) throw new Error('the keeper has no output');
    const [line] = await once(createInterface({ input: output }), 'line');
    this.files = namesSchema.parse(JSON.parse(String(line)));
  }

  async end(): Promise<void> {
    const closed = once(this.#child, 'close');
    this.#child.stdin?.end();
    await closed;
  }
}
