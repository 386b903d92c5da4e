// One run of the daemon's program, from its start to its end.
import { type ChildProcess, spawn } from 'node:child_process';
import type { Readable } from 'node:stream';
import { ExecutorError } from './errors.js';
import { LineSplitter } from './lines.js';

/** The daemon's own exit statuses; see native/options.h. */
const EXIT_BACKEND_UNAVAILABLE = 3;

/** The daemon gives its workers 2 s; after this it is killed, and they with it. */
const STOP_GRACE_MS = 4_000;

/** How long after the end of the daemon its log may still come. */
const DRAIN_MS = 500;

/** What the last words of a daemon that failed to start may be. */
const KEPT_LINES = 20;

export interface Ending {
  code: number | null;
  signal: NodeJS.Signals | null;
}

export class Daemon {
  readonly pid: number | undefined;
  /** Never rejects. */
  readonly ended: Promise<Ending>;
  readonly #process: ChildProcess;
  readonly #ready: Promise<void>;
  readonly #lastLines: string[] = [];
  #spawnError: Error | undefined;

  constructor(binary: string, args: readonly string[], log: (line: string) => void) {
    // Descriptor 3 tells us that the socket listens, and tells the daemon, by its end, that we are gone.
    this.#process = spawn(binary, [...args, '--ready-fd', '3', '--parent-fd', '3'], {
      stdio: ['ignore', 'ignore', 'pipe', 'pipe'],
      // A session of its own: Ctrl-C in the terminal is for the program, which may want to go on.
      detached: true,
    });
    this.pid = this.#process.pid;
    this.ended = new Promise((resolve) => {
      this.#process.once('error', (error) => {
        this.#spawnError = error;
        // Without a process there will be no exit.
        if (this.pid === undefined) resolve({ code: null, signal: null });
      });
      // After the exit its last words may still be on their way; but somebody else may hold the pipe open.
      this.#process.once('exit', (code, signal) => {
        const end = () => {
          for (const stream of [this.#process.stderr, this.#process.stdio[3]]) stream?.destroy();
          resolve({ code, signal });
        };
        const timer = setTimeout(end, DRAIN_MS);
        this.#process.once('close', () => {
          clearTimeout(timer);
          end();
        });
      });
    });
    const lines = new LineSplitter((line) => {
      this.#lastLines.push(line);
      if (this.#lastLines.length > KEPT_LINES) this.#lastLines.shift();
      log(line);
    });
    this.#process.stderr?.on('data', (bytes: Buffer) => lines.push(bytes));
    this.#process.stderr?.on('close', () => lines.end());
    this.#ready = this.#waitForReady();
    // Whoever started the daemon may have lost interest before it failed.
    this.#ready.catch(() => {});
  }

  /** Resolves when the socket listens. @throws ExecutorError when the daemon ends before. */
  ready(): Promise<void> {
    return this.#ready;
  }

  /** Lets this process end although the daemon runs; the daemon notices and ends as well. */
  unref(): void {
    this.#process.unref();
    for (const stream of this.#streams()) stream.unref();
  }

  async stop(): Promise<void> {
    this.#process.ref();
    for (const stream of this.#streams()) stream.ref();
    this.#process.kill('SIGTERM');
    const killer = setTimeout(() => this.#process.kill('SIGKILL'), STOP_GRACE_MS);
    await this.ended;
    clearTimeout(killer);
  }

  async #waitForReady(): Promise<void> {
    const channel = this.#process.stdio[3] as Readable | null | undefined;
    const announced = new Promise<true>((resolve) => {
      channel?.once('data', () => resolve(true));
      // Writing to a daemon that is gone is impossible, and we do not; its end resets the connection nevertheless.
      channel?.on('error', () => {});
    });
    const outcome = await Promise.race([announced, this.ended]);
    if (outcome !== true) throw this.#startError(outcome);
  }

  #startError({ code, signal }: Ending): ExecutorError {
    if (this.#spawnError) {
      return new ExecutorError('ERR_VGPU_EXECUTOR_START', `cannot start ${this.#process.spawnfile}`, {
        cause: this.#spawnError,
      });
    }
    // The line is "… CODE: message"; people need the end of it only. What follows it is advice about the daemon's own options.
    const reasons = this.#lastLines.flatMap((line) => line.match(/ERR_VGPU_\w+: (.*)$/)?.[1] ?? []);
    const reason = reasons.at(-1) ?? this.#lastLines.at(-1);
    if (code === EXIT_BACKEND_UNAVAILABLE) {
      return new ExecutorError('ERR_VGPU_BACKEND_UNAVAILABLE', reason ?? 'the backend is not available', {
        remedy: 'use the software GPU: --gpu software, or gpu: "software"',
      });
    }
    const how = signal ? `was killed by ${signal}` : `ended with status ${code}`;
    return new ExecutorError('ERR_VGPU_EXECUTOR_START', `the executor ${how}${reason ? `: ${reason}` : ''}`);
  }

  /** The pipes, which are sockets although their types do not say so. */
  *#streams(): Generator<{ ref(): void; unref(): void }> {
    for (const stream of [this.#process.stderr, this.#process.stdio[3]]) {
      if (stream && 'unref' in stream && 'ref' in stream)
        yield stream as unknown as { ref(): void; unref(): void };
    }
  }
}
