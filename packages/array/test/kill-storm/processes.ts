// The processes of the storm.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { z } from 'zod';
import type { Message, Mode } from './messages.js';

const messageSchema: z.ZodType<Message> = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('ready'), version: z.number(), scratch: z.array(z.string()) }),
  z.object({ kind: z.enum(['begin', 'commit', 'done']), version: z.number() }),
]);
const namesSchema = z.array(z.string());

function start(script: string, words: readonly string[]): ChildProcess {
  const file = join(import.meta.dirname, script);
  return spawn(process.execPath, ['--import', import.meta.resolve('tsx'), file, ...words], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
}

/** Commits until it is killed. */
export class Writer {
  readonly #child: ChildProcess;
  readonly #ended: Promise<unknown>;
  readonly messages: Message[] = [];
  #onMessage: (() => void) | undefined;
  #gone = false;

  constructor(directory: string, mode: Mode, version: number) {
    this.#child = start('writer.ts', [directory, mode, String(version)]);
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

  constructor(directory: string) {
    this.#child = start('keeper.ts', [directory]);
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
