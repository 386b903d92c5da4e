// Tracing one program: its calls come in a file, which is made into what was asked for when the program has ended.
import { closeSync, createReadStream, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { type GuestLibrary, tracingLibrary } from '@vgpu/preload-shim';
import { CliError } from '../errors.js';
import type { Observer } from '../run/observer.js';
import { type TraceFormatName, traceFormat } from './formats.js';
import { TraceReader } from './record.js';

export interface TraceRequest {
  readonly format: TraceFormatName;
  /** Where the trace goes instead of stderr. */
  readonly output?: string;
}

const STDERR = 2;

export class TraceSession implements Observer {
  readonly guest: GuestLibrary = tracingLibrary();
  readonly #request: TraceRequest;
  readonly #folder: string;
  readonly #output: number;

  /** @throws CliError ERR_VGPU_TRACE_OUTPUT when the trace could not be written in the end */
  constructor(request: TraceRequest) {
    this.#request = request;
    this.#output = openOutput(request.output);
    this.#folder = mkdtempSync(join(tmpdir(), 'vgpu-trace-'));
  }

  /** What the program gets besides its own environment. */
  get environment(): NodeJS.ProcessEnv {
    return { VGPU_TRACE_FILE: this.#calls };
  }

  get #calls(): string {
    return join(this.#folder, 'calls');
  }

  /** Once the program has ended. */
  async finish(): Promise<undefined> {
    const format = traceFormat(this.#request.format);
    const reader = new TraceReader();
    try {
      // A program that calls nothing writes no file.
      closeSync(openSync(this.#calls, 'a', 0o600));
      this.#write(format.begin);
      for await (const line of createInterface({ input: createReadStream(this.#calls) })) {
        const record = reader.read(line);
        if (record) this.#write(format.record(record));
      }
      this.#write(format.end);
    } catch (cause) {
      throw outputError(this.#request.output, cause);
    }
  }

  remove(): void {
    if (this.#output !== STDERR) closeSync(this.#output);
    rmSync(this.#folder, { recursive: true, force: true });
  }

  #write(text: string): void {
    for (let rest = Buffer.from(text); rest.length > 0; ) rest = rest.subarray(writeSync(this.#output, rest));
  }
}

function openOutput(path: string | undefined): number {
  if (path === undefined) return STDERR;
  try {
    return openSync(path, 'w');
  } catch (cause) {
    throw outputError(path, cause);
  }
}

function outputError(path: string | undefined, cause: unknown): CliError {
  return new CliError('ERR_VGPU_TRACE_OUTPUT', `cannot write the trace to ${path ?? 'stderr'}`, { cause });
}
