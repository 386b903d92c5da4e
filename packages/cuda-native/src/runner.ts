// Where an operation runs, and what is told about it.
import {
  CircuitBreaker,
  conditionFault,
  FallbackSession,
  type Fault,
  GpuError,
  kernelRecord,
  reportSession,
  type Subscription,
  type Telemetry,
  withFallback,
} from '@vgpu/resilience';
import type { NativeResult, NativeStart } from './calls.js';
import { argumentError, ComputeError } from './errors.js';
import { type Native, native, translate } from './native.js';
import { Turns } from './turns.js';

export interface SessionOptions {
  /**
   * `cpu`: never anything else. `auto`, the default: the GPU where that works. This version has no GPU path: `auto` computes
   * on the CPU and says so in each result's `reason`, and `gpu` is an error.
   */
  readonly device?: 'auto' | 'gpu' | 'cpu';
  /** The most memory that one operation may take for itself, beside its inputs and outputs. In bytes; no limit by default. */
  readonly memoryLimit?: number;
  /** `never`: fail with the GPU's error instead of using the CPU. `allowed` by default; each call may say otherwise. */
  readonly fallback?: 'allowed' | 'never';
  /** Gets a record for each operation. It stays its owner's: closing the session does not close it. */
  readonly telemetry?: Telemetry;
  /** Gets each cause of a fallback once; by default warnings go to the console. */
  readonly log?: (line: string, level: 'info' | 'warn') => void;
}

/** What every operation takes. */
export interface OperationOptions {
  /** Rejects with the signal's reason, once nothing reads or writes the arrays any more. Outputs hold anything then. */
  readonly signal?: AbortSignal;
  readonly fallback?: 'allowed' | 'never';
}

/** A result, and how it came about. */
export interface ComputeResult<Value> {
  readonly value: Value;
  readonly device: 'gpu' | 'software-gpu' | 'cpu';
  /** Why it did not come from the GPU; `null` where it did, and where nobody asked for the GPU. */
  readonly reason: Fault | null;
  /** How many times the operation was started on the GPU. */
  readonly attempts: number;
}

/** One call of the addon; `engine` is what computes it. */
export type NativeCall = (start: NativeStart, engine: Native) => Promise<NativeResult>;

const concurrent = 2;

const warn = (line: string, level: 'info' | 'warn'): void => {
  if (level === 'warn') console.warn(line);
};

/** Runs a session's operations. */
export class Runner {
  readonly #device: 'auto' | 'cpu';
  readonly #memoryLimit: number;
  readonly #fallback: 'allowed' | 'never';
  readonly #telemetry: Telemetry | undefined;
  readonly #gpu: FallbackSession;
  readonly #reports: Subscription | undefined;
  readonly #turns = new Turns(concurrent);
  readonly #running = new Set<Promise<unknown>>();
  #closed = false;

  /**
   * @throws ComputeError ERR_VGPU_COMPUTE_ARGUMENT, ERR_VGPU_COMPUTE_GPU_UNAVAILABLE, or ERR_VGPU_COMPUTE_ADDON_MISSING
   */
  constructor(options: SessionOptions) {
    const { device = 'auto', memoryLimit = Number.MAX_SAFE_INTEGER, fallback = 'allowed' } = options;
    checkChoice(device, ['auto', 'gpu', 'cpu'], 'device');
    checkChoice(fallback, ['allowed', 'never'], 'fallback');
    if (!Number.isSafeInteger(memoryLimit) || memoryLimit < 0) {
      throw argumentError(`memoryLimit is ${String(memoryLimit)}, not a number of bytes`);
    }
    const absent = conditionFault('no-gpu-path');
    if (device === 'gpu') {
      throw new ComputeError('ERR_VGPU_COMPUTE_GPU_UNAVAILABLE', absent.name, {
        values: { device },
        remedy: "Use device 'auto' or 'cpu'.",
        cause: new GpuError(absent),
      });
    }
    native();
    this.#device = device;
    this.#memoryLimit = memoryLimit;
    this.#fallback = fallback;
    this.#telemetry = options.telemetry;
    const breaker = new CircuitBreaker();
    breaker.failed(absent);
    this.#gpu = new FallbackSession({ breaker, log: options.log ?? warn });
    if (options.telemetry !== undefined) {
      this.#reports = reportSession(this.#gpu, options.telemetry, 'cuda-native');
    }
  }

  get memoryLimit(): number {
    return this.#memoryLimit;
  }

  /** @throws what a rejected operation rejects with */
  async run(name: string, call: NativeCall, options: OperationOptions): Promise<ComputeResult<NativeResult>> {
    if (this.#closed) throw new ComputeError('ERR_VGPU_COMPUTE_CLOSED', `${name}: the session is closed`);
    const operation = this.#start(name, call, options);
    this.#running.add(operation);
    try {
      return await operation;
    } finally {
      this.#running.delete(operation);
    }
  }

  /** Refuses what comes later, and waits for what is under way. */
  async close(): Promise<void> {
    this.#closed = true;
    await Promise.allSettled([...this.#running]);
    this.#reports?.dispose();
  }

  async #start(
    name: string,
    call: NativeCall,
    options: OperationOptions,
  ): Promise<ComputeResult<NativeResult>> {
    const { signal, fallback = this.#fallback } = options;
    checkChoice(fallback, ['allowed', 'never'], 'fallback');
    signal?.throwIfAborted();
    const cpu = () => this.#turns.run(() => this.#onCpu(name, call, signal));
    if (this.#device === 'cpu') return { value: await cpu(), device: 'cpu', reason: null, attempts: 0 };
    const gpu = () => {
      throw new GpuError(conditionFault('no-gpu-path'), name);
    };
    return withFallback(this.#gpu, { name, gpu, cpu, inputsUntouched: true }, { fallback });
  }

  async #onCpu(name: string, call: NativeCall, signal: AbortSignal | undefined): Promise<NativeResult> {
    signal?.throwIfAborted();
    const stop = new Int32Array(new SharedArrayBuffer(4));
    const onAbort = () => Atomics.store(stop, 0, 1);
    signal?.addEventListener('abort', onAbort, { once: true });
    const began = performance.now();
    try {
      const result = await call([stop, this.#memoryLimit], native());
      this.#report(name, performance.now() - began, result.memoryBytes, null);
      return result;
    } catch (error) {
      this.#report(name, performance.now() - began, null, error);
      throw translate(error, signal?.reason);
    } finally {
      signal?.removeEventListener('abort', onAbort);
    }
  }

  #report(name: string, ms: number, memoryBytes: number | null, error: unknown): void {
    this.#telemetry?.emit(
      kernelRecord(
        {
          component: 'cuda-native',
          level: error === null ? 'info' : 'error',
          message: error === null ? `${name} on the CPU` : `${name} failed: ${String(error)}`,
          metadata: { device: 'cpu', instruction_set: native().instructionSet },
        },
        {
          kernel_name: name,
          execution_time_us: ms * 1000,
          memory_peak_mb: memoryBytes === null ? null : memoryBytes / 1e6,
          error_count: error === null ? 0 : 1,
          recovery_attempts: 0,
        },
      ),
    );
  }
}

function checkChoice(value: string, choices: readonly string[], name: string): void {
  if (choices.includes(value)) return;
  throw argumentError(`${name} is ${JSON.stringify(value)}, not one of ${choices.join(', ')}`);
}
