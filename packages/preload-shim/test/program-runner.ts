// Runs the programs of test/programs under the guest library, on one of the backends.
import { execFile } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Executor } from '@vgpu/executor';
import { expect, onTestFailed } from 'vitest';
import { guestLibrary } from '../src/index.js';
import type { Builder } from './build-programs.js';
import { guestEnvironment } from './guest-environment.js';

// Longer than any kernel takes on the busiest machine, so that it stops those that make no progress and no others.
const KERNEL_TIMEOUT_SECONDS = 30;
export const PROGRAM_TIMEOUT_MS = 60_000;
// A test may find others' builds before its own in the queue; what hangs is stopped by the limits above.
export const TEST_TIMEOUT_MS = 600_000;

/** `nested`: the real backend, whose driver is the guest library, whose executor has the software GPU. */
export type Gpu = 'software' | 'real' | 'nested';

/** VGPU_TEST_GPU: what the whole suite runs on. */
export function chosenGpu(): Gpu {
  const name = process.env.VGPU_TEST_GPU ?? 'software';
  if (name === 'software' || name === 'real' || name === 'nested') return name;
  throw new Error(`VGPU_TEST_GPU is software, real or nested, not "${name}"`);
}

export const succeeded = { code: 0, stdout: expect.stringMatching(/^ok .*\n$/), stderr: '' };

export class ProgramRunner {
  readonly folder = mkdtempSync(join(tmpdir(), 'vgpu-programs-'));
  readonly #builder: Builder;
  readonly #executors: Executor[] = [];
  readonly #log: string[] = [];
  readonly #kernelTimeoutSeconds: number;
  #runs = 0;

  constructor(builder: Builder, kernelTimeoutSeconds = KERNEL_TIMEOUT_SECONDS) {
    this.#builder = builder;
    this.#kernelTimeoutSeconds = kernelTimeoutSeconds;
  }

  /** `cublasPath`: of the real backend in the nested form; the guest library is its cuBLAS as well as its driver. */
  async start(gpu: Gpu, blas: 'auto' | 'own' = 'auto', cublasPath = guestLibrary().library): Promise<void> {
    const options = {
      blas,
      kernelTimeoutSeconds: this.#kernelTimeoutSeconds,
      log: (line: string) => this.#log.push(line),
    };
    const first = await Executor.start({ ...options, gpu: gpu === 'real' ? 'real' : 'software' });
    this.#executors.push(first);
    if (gpu !== 'nested') return;
    // The driver of the second finds the first as every guest does: by the environment that its executor inherits.
    const before = process.env.VGPU_EXECUTOR;
    process.env.VGPU_EXECUTOR = first.url;
    try {
      this.#executors.push(
        await Executor.start({
          ...options,
          gpu: 'real',
          driverPath: guestLibrary().library,
          cublasPath,
          allowGuestDriver: true,
        }),
      );
    } finally {
      if (before === undefined) delete process.env.VGPU_EXECUTOR;
      else process.env.VGPU_EXECUTOR = before;
    }
  }

  async stop(): Promise<void> {
    for (const executor of this.#executors.reverse()) await executor.stop();
    rmSync(this.folder, { recursive: true });
  }

  /** Builds the program, runs it, and returns its output and a view of what was logged. */
  async run(file: string, ...args: string[]) {
    const path = await this.#builder.build(file);
    this.#runs += 1;
    const guestLog = join(this.folder, `${this.#runs}.log`);
    const firstLine = this.#log.length;
    const log = () =>
      [...this.#log.slice(firstLine), existsSync(guestLog) ? readFileSync(guestLog, 'utf8') : ''].join('\n');
    onTestFailed(() => void process.stderr.write(`log of ${file} ${args.join(' ')}:\n${log()}\n`));
    const executor = this.#executors.at(-1);
    if (!executor) throw new Error('no executor was started');
    const env = guestEnvironment(executor.url, { VGPU_LOG: guestLog });
    const result = await new Promise<{ code: unknown; stdout: string; stderr: string }>((resolve) => {
      execFile(path, args, { timeout: PROGRAM_TIMEOUT_MS, env }, (error, stdout, stderr) =>
        resolve({ code: error ? (error.code ?? error.signal) : 0, stdout, stderr }),
      );
    });
    return { ...result, log };
  }
}
