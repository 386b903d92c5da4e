// A session's operations on the GPU: its breaker, its worker where it has one, and the fallback.
import { setTimeout as sleep } from 'node:timers/promises';
import {
  CircuitBreaker,
  type CircuitBreakerOptions,
  FallbackSession,
  type Fault,
  faultOf,
  GpuError,
  type OperationContext,
  withFallback,
} from '@vgpu/resilience';
import type { NativeResult } from './calls.js';
import { faultBehind, freeMemory, giveUp, type OpenGpu, reopen, unstoppable } from './gpu.js';
import type { Engine, GpuMemory } from './native.js';
import type { ComputeResult } from './runner.js';
import { Turns } from './turns.js';

type Log = (line: string, level: 'info' | 'warn') => void;

/** One operation on each of the two. */
interface Paths {
  readonly name: string;
  readonly gpu: (engine: Engine) => Promise<NativeResult>;
  readonly cpu: () => Promise<NativeResult>;
}

// One computes while the arguments of the next are checked; a third would only wait on the device's thread, and its time
// would count as if it were hung.
const concurrent = 2;

/** A new worker is there at once: the next operation gets it. */
const nextOperationMs = 1;

/** Of a session's breaker. Whether a dead context is replaced, the session knows itself. */
export type BreakerOptions = Omit<CircuitBreakerOptions, 'isolation' | 'now'>;

/** @throws what `CircuitBreaker` throws */
export function sessionBreaker(isolation: 'inproc' | 'process', options: BreakerOptions): CircuitBreaker {
  const moment = isolation === 'process' ? { halfOpenAfterMs: nextOperationMs } : {};
  return new CircuitBreaker({ ...moment, ...options, isolation });
}

export class GpuRunner {
  readonly session: FallbackSession;
  /** Or why there is none. */
  readonly #opened: OpenGpu | Fault;
  readonly #turns = new Turns(concurrent);
  readonly #waitsForWorker: boolean;

  /** `breaker` is that of `options`. */
  constructor(gpu: OpenGpu | Fault, breaker: CircuitBreaker, options: BreakerOptions, log: Log) {
    this.#opened = gpu;
    const isolated = this.#gpu?.isolation != null;
    this.#waitsForWorker = isolated && options.halfOpenAfterMs === undefined;
    const fault = 'kind' in gpu ? gpu : gpu.fault;
    if (fault !== null) breaker.failed(fault);
    this.session = new FallbackSession({
      breaker,
      log,
      freeMemory: () => this.#freeMemory(),
      ...(isolated ? { probe: (context) => this.#newWorker(context) } : {}),
    });
  }

  get #gpu(): OpenGpu | null {
    return 'kind' in this.#opened ? null : this.#opened;
  }

  /** What it computes on, when it does. */
  get device(): 'gpu' | 'software-gpu' {
    return this.#gpu?.engine.deviceName().startsWith('vgpu software GPU') ? 'software-gpu' : 'gpu';
  }

  /** As it was at the end of the last operation; `null` where there is no GPU. */
  get memory(): GpuMemory | null {
    return this.#gpu?.engine.counters() ?? null;
  }

  /** @throws what `withFallback` throws */
  async run(
    { name, gpu, cpu }: Paths,
    options: { readonly fallback: 'allowed' | 'never'; readonly hangAfterMs: number },
    signal: AbortSignal | undefined,
  ): Promise<ComputeResult<NativeResult>> {
    const opened = this.#opened;
    const onGpu = async (context: OperationContext): Promise<NativeResult> => {
      // Where the breaker has been closed by hand.
      if ('kind' in opened) throw new GpuError(opened, name);
      context.signal.addEventListener('abort', () => giveUp(opened), { once: true });
      try {
        return await gpu(opened.engine);
      } catch (error) {
        const fault = faultOf(error) && faultBehind(opened, error);
        throw fault === undefined ? error : new GpuError(fault, name, { cause: error });
      }
    };
    await this.#workerOnItsWay();
    const result = await this.#turns.run(
      () => withFallback(this.session, { name, gpu: onGpu, cpu, inputsUntouched: true }, options),
      signal,
    );
    return result.device === 'cpu' ? result : { ...result, device: this.device };
  }

  /** What was begun with `stop` touches no arrays any more. */
  abandon(stop: Int32Array): void {
    this.#gpu?.engine.abandon(stop);
  }

  /** Waits for nothing that hangs. */
  async close(hangAfterMs: number): Promise<void> {
    const kind = this.session.breaker.cause?.kind;
    if (this.#gpu === null || kind === 'context-dead' || kind === 'gone') return;
    await freeMemory(this.#gpu, hangAfterMs);
  }

  async #freeMemory(): Promise<void> {
    await this.#gpu?.engine.freeMemory(...unstoppable());
  }

  async #newWorker(context: OperationContext): Promise<void> {
    const gpu = this.#gpu;
    if (gpu === null) return;
    context.signal.addEventListener('abort', () => giveUp(gpu), { once: true });
    const fault = await reopen(gpu);
    if (fault !== null) throw new GpuError(fault, 'a new worker');
  }

  /** A moment after a worker has died, no operation need go to the CPU. */
  async #workerOnItsWay(): Promise<void> {
    const { breaker } = this.session;
    if (!this.#waitsForWorker) return;
    // The breaker's own timer would not keep a process alive that waits for nothing else.
    while (breaker.status === 'open' && !breaker.isPermanent) await sleep(nextOperationMs);
  }
}
