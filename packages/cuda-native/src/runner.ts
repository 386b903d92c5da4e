// Where an operation runs, and what is told about it.
import {
  AnomalyDetector,
  type CircuitBreaker,
  type Fault,
  GpuError,
  kernelRecord,
  reportSession,
  type Subscription,
  type Telemetry,
} from '@vgpu/resilience';
import type { NativeResult, NativeStart } from './calls.js';
import { argumentError, ComputeError } from './errors.js';
import { openGpu } from './gpu.js';
import { type BreakerOptions, GpuRunner, sessionBreaker } from './gpu-runner.js';
import { type Engine, type GpuMemory, native, translate } from './native.js';
import { Turns } from './turns.js';

export interface SessionOptions {
  /** `cpu`: never anything else. `auto`, the default: the GPU where there is one. `gpu`: no session without one. */
  readonly device?: 'auto' | 'gpu' | 'cpu';
  /**
   * `inproc`, the default: the driver is loaded into this process, after another process has tried it. `process`: behind an executor,
   * whose worker may hang or crash without harm; the next operation gets a new one.
   */
  readonly isolation?: 'inproc' | 'process';
  /**
   * The driver, a path or a name for the loader: `$VGPU_CUDA_DRIVER` or `libcuda.so.1` by default. With `isolation: 'process'` the
   * guest library, that of @vgpu/preload-shim by default.
   */
  readonly driver?: string;
  /**
   * The executor's address, for `isolation: 'process'`. `$VGPU_EXECUTOR` by default, and where that is not set one of its own,
   * with this machine's GPU. One for each process.
   */
  readonly executor?: string;
  /** How long an operation on the GPU may take until it counts as hung. In ms, above 0, at most 2³¹ − 1; ten minutes by default. */
  readonly hangAfterMs?: number;
  /**
   * The most memory that one operation may take for itself on the CPU, beside its inputs and outputs; and the most that the session may
   * have on the GPU. In bytes; no limit by default.
   */
  readonly memoryLimit?: number;
  /**
   * When faults open the session's breaker, how long it waits before an operation tries again, and what `breaker.save()` of an earlier
   * session has returned. With `isolation: 'process'` it waits for a moment by default, and operations with it, since a new worker is
   * there at once; with a `halfOpenAfterMs` of yours, operations go to the CPU meanwhile.
   */
  readonly breaker?: BreakerOptions;
  /** `never`: fail with the GPU's error instead of using the CPU. `allowed` by default; each call may say otherwise. */
  readonly fallback?: 'allowed' | 'never';
  /**
   * Gets a record for each operation, which says whether it took unusually long or short beside those of its name with arrays of about
   * its size. It stays its owner's: closing the session does not close it.
   */
  readonly telemetry?: Telemetry;
  /** Gets each cause of a fallback once; by default warnings go to the console. */
  readonly log?: (line: string, level: 'info' | 'warn') => void;
}

/** What every operation takes. */
export interface OperationOptions {
  /**
   * Rejects with the signal's reason, once nothing reads or writes the arrays any more: at once while the operation waits or is on the
   * GPU. Outputs hold anything then.
   */
  readonly signal?: AbortSignal;
  readonly fallback?: 'allowed' | 'never';
  /** The most memory that this operation may take for itself on the CPU, if that is less than the session's `memoryLimit`. In bytes. */
  readonly memoryLimit?: number;
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
export type NativeCall = (start: NativeStart, engine: Engine) => Promise<NativeResult>;

type Place = 'gpu' | 'software-gpu' | 'cpu';

/** Of an operation, one attempt. */
interface Run {
  readonly name: string;
  readonly where: Place;
  /** Whether one before it has failed. */
  readonly isRecovery: boolean;
}

const concurrent = 2;
/** As long as the executor lets a kernel run. */
const defaultHangMs = 600_000;
/** Timers know no longer times. */
const mostHangMs = 2 ** 31 - 1;

/** For limits in bytes. */
const unlimited = Number.MAX_SAFE_INTEGER;

const warn = (line: string, level: 'info' | 'warn'): void => {
  if (level === 'warn') console.warn(line);
};

/** Runs a session's operations. */
export class Runner {
  readonly #memoryLimit: number;
  readonly #fallback: 'allowed' | 'never';
  readonly #telemetry: Telemetry | undefined;
  readonly #hangAfterMs: number;
  /** `null`: nobody asked for it. */
  readonly #gpu: GpuRunner | null;
  readonly #reports: Subscription | undefined;
  readonly #anomalies = new AnomalyDetector();
  readonly #turns = new Turns(concurrent);
  readonly #running = new Set<Promise<unknown>>();
  #closed = false;

  /** @throws what `createSession` throws */
  static async open(options: SessionOptions): Promise<Runner> {
    const { device = 'auto', memoryLimit = unlimited, isolation = 'inproc' } = options;
    checkChoice(device, ['auto', 'gpu', 'cpu'], 'device');
    checkChoice(options.fallback ?? 'allowed', ['allowed', 'never'], 'fallback');
    checkChoice(isolation, ['inproc', 'process'], 'isolation');
    checkMemoryLimit(memoryLimit);
    const { driver, executor, hangAfterMs = defaultHangMs } = options;
    if (typeof hangAfterMs !== 'number' || !(hangAfterMs > 0 && hangAfterMs <= mostHangMs)) {
      throw argumentError(`hangAfterMs is ${String(hangAfterMs)}, not above 0 and at most ${mostHangMs}`);
    }
    native();
    if (device === 'cpu') return new Runner(options, null);
    const breaker = sessionBreaker(isolation, options.breaker ?? {});
    const gpu = await openGpu({ driver, isolation, executor, memoryLimit, hangAfterMs });
    const fault = 'kind' in gpu ? gpu : gpu.fault;
    if (device === 'gpu' && fault !== null) {
      throw new ComputeError('ERR_VGPU_COMPUTE_GPU_UNAVAILABLE', fault.name, {
        values: { device },
        remedy: "Use device 'auto' or 'cpu'.",
        cause: new GpuError(fault),
      });
    }
    return new Runner(options, new GpuRunner(gpu, breaker, options.breaker ?? {}, options.log ?? warn));
  }

  private constructor(options: SessionOptions, gpu: GpuRunner | null) {
    this.#memoryLimit = options.memoryLimit ?? unlimited;
    this.#fallback = options.fallback ?? 'allowed';
    this.#telemetry = options.telemetry;
    this.#hangAfterMs = options.hangAfterMs ?? defaultHangMs;
    this.#gpu = gpu;
    if (gpu !== null && options.telemetry !== undefined) {
      this.#reports = reportSession(gpu.session, options.telemetry, 'cuda-native');
    }
  }

  get memoryLimit(): number {
    return this.#memoryLimit;
  }

  /** The session's breaker; `null` where nobody asked for the GPU. */
  get breaker(): CircuitBreaker | null {
    return this.#gpu?.session.breaker ?? null;
  }

  /** What the session has on the GPU; `null` where it has none. */
  get gpuMemory(): GpuMemory | null {
    return this.#gpu?.memory ?? null;
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

  /** Refuses what comes later, waits for what is under way, and gives the GPU's memory back. */
  async close(): Promise<void> {
    this.#closed = true;
    await Promise.allSettled([...this.#running]);
    await this.#gpu?.close(this.#hangAfterMs);
    this.#reports?.dispose();
  }

  async #start(
    name: string,
    call: NativeCall,
    options: OperationOptions,
  ): Promise<ComputeResult<NativeResult>> {
    const { signal, fallback = this.#fallback, memoryLimit = unlimited } = options;
    checkChoice(fallback, ['allowed', 'never'], 'fallback');
    checkMemoryLimit(memoryLimit);
    signal?.throwIfAborted();
    const stop = new Int32Array(new SharedArrayBuffer(4));
    const start: NativeStart = [stop, Math.min(memoryLimit, this.#memoryLimit)];
    const gpu = this.#gpu;
    const onAbort = () => {
      Atomics.store(stop, 0, 1);
      gpu?.abandon(stop);
    };
    signal?.addEventListener('abort', onAbort, { once: true });
    let runs = 0;
    const on = (where: Place, work: () => Promise<NativeResult>) =>
      this.#measured({ name, where, isRecovery: runs++ > 0 }, work, signal);
    const cpu = () => this.#turns.run(() => on('cpu', () => call(start, native())), signal);
    try {
      if (gpu === null) return { value: await cpu(), device: 'cpu', reason: null, attempts: 0 };
      return await gpu.run(
        { name, gpu: (engine) => on(gpu.device, () => orAborted(call(start, engine), signal)), cpu },
        { fallback, hangAfterMs: this.#hangAfterMs },
        signal,
      );
    } finally {
      signal?.removeEventListener('abort', onAbort);
    }
  }

  async #measured(
    run: Run,
    call: () => Promise<NativeResult>,
    signal: AbortSignal | undefined,
  ): Promise<NativeResult> {
    signal?.throwIfAborted();
    const began = performance.now();
    try {
      const result = await call();
      this.#report(run, performance.now() - began, result, null);
      return result;
    } catch (error) {
      this.#report(run, performance.now() - began, null, error);
      throw translate(error, signal);
    }
  }

  #report({ name, where, isRecovery }: Run, ms: number, result: NativeResult | null, error: unknown): void {
    if (this.#telemetry === undefined) return;
    const place = where === 'cpu' ? 'the CPU' : `the ${where}`;
    const memory = where === 'cpu' ? null : this.gpuMemory;
    const metrics = {
      kernel_name: name,
      execution_time_us: ms * 1000,
      memory_allocated_mb: memory === null ? null : (memory.usedBytes + memory.cachedBytes) / 1e6,
      memory_peak_mb: result === null ? null : result.memoryBytes / 1e6,
      error_count: error === null ? 0 : 1,
      recovery_attempts: Number(isRecovery),
    };
    const record = {
      component: 'cuda-native',
      level: error === null ? 'info' : 'error',
      message: error === null ? `${name} on ${place}` : `${name} failed: ${String(error)}`,
      metadata: {
        device: where,
        instruction_set: where === 'cpu' ? native().instructionSet : null,
        array_bytes: result?.arrayBytes ?? null,
      },
    } as const;
    const isAnomaly = this.#anomalies.judge(kernelRecord(record, metrics));
    this.#telemetry.emit(kernelRecord(record, { ...metrics, performance_anomaly: isAnomaly }));
  }
}

/** A driver that hangs would not say that it was stopped; what was abandoned touches no arrays any more. */
function orAborted<T>(work: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return work;
  return new Promise((resolve, reject) => {
    const leave = () => reject(signal.reason);
    signal.addEventListener('abort', leave, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', leave));
  });
}

function checkMemoryLimit(bytes: number): void {
  if (Number.isSafeInteger(bytes) && bytes >= 0) return;
  throw argumentError(`memoryLimit is ${String(bytes)}, not a number of bytes`);
}

function checkChoice(value: string, choices: readonly string[], name: string): void {
  if (choices.includes(value)) return;
  throw argumentError(`${name} is ${JSON.stringify(value)}, not one of ${choices.join(', ')}`);
}
