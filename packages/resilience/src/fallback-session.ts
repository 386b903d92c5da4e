// What all operations on one GPU share: breaker, bulkhead, and what has been said about its failures.
import { type BulkheadPolicy, bulkhead, ExponentialBackoff } from 'cockatiel';
import { checkDelay, type OperationContext } from './call-limit.js';
import { CircuitBreaker } from './circuit-breaker.js';
import { Emitter, type Subscription } from './emitter.js';
import { ResilienceArgumentError } from './errors.js';
import type { Fault } from './fault-table.js';
import type { FallbackScope } from './faults.js';

/** How faults that pass are retried. */
export interface RetryOptions {
  /** 0 to 100; 3 by default. */
  readonly maximumRetries?: number;
  /** Pauses begin at about this and double, with some randomness. In ms; 50 by default. */
  readonly initialDelayMs?: number;
  /** No pause is longer. In ms; 1000 by default. */
  readonly maximumDelayMs?: number;
  /** So long after the start of the operation, no more retry is begun. In ms; 2000 by default. */
  readonly withinMs?: number;
}

/** How many operations of the session may run and wait at once. */
export interface BulkheadLimits {
  /** 1 or more. */
  readonly concurrent: number;
  /** 0 or more. */
  readonly queued: number;
}

export interface FallbackSessionOptions {
  /** A new one by default. */
  readonly breaker?: CircuitBreaker;
  /** What results say about where the GPU path ran; `gpu` by default. */
  readonly device?: 'gpu' | 'software-gpu';
  /** Frees what the session caches on the GPU; called once for an operation that found no memory, before it is tried again. */
  readonly freeMemory?: () => void | PromiseLike<void>;
  /**
   * Checks a GPU that had failed before an operation is let through: starts a new worker where there is none, and runs
   * something trivial. Throws `GpuError` where that fails.
   */
  readonly probe?: (context: OperationContext) => void | PromiseLike<void>;
  readonly retry?: RetryOptions;
  /** No limit by default. */
  readonly bulkhead?: BulkheadLimits;
  /** Gets each line once per cause; the console by default. What it throws is ignored: it must not stop an operation. */
  readonly log?: (line: string, level: 'info' | 'warn') => void;
}

/** An operation went to the CPU. */
export interface FallbackEvent {
  readonly operation: string;
  readonly fault: Fault;
  readonly scope: FallbackScope;
  /** How many operations have gone to the CPU for this cause, this one included. The line is logged at 1. */
  readonly count: number;
}

/** A cause of fallback, with how many operations it sent to the CPU. */
export interface FallbackCause {
  readonly fault: Fault;
  readonly scope: FallbackScope;
  readonly count: number;
}

const consoleLog = (line: string, level: 'info' | 'warn'): void => console[level](line);

/** A session's GPU, as `withFallback` sees it. For one thread. Holds no timers and no handles: nothing to close. */
export class FallbackSession {
  readonly breaker: CircuitBreaker;
  readonly device: 'gpu' | 'software-gpu';
  /** @internal */
  readonly freeMemory: FallbackSessionOptions['freeMemory'];
  /** @internal */
  readonly probe: FallbackSessionOptions['probe'];
  /** @internal */
  readonly retry: {
    readonly maximumRetries: number;
    readonly withinMs: number;
    readonly backoff: ExponentialBackoff<unknown>;
  };
  /** @internal */
  readonly limits: BulkheadLimits | undefined;
  /** @internal */
  readonly bulkhead: BulkheadPolicy | undefined;
  readonly #log: (line: string, level: 'info' | 'warn') => void;
  readonly #causes = new Map<string, { fault: Fault; scope: FallbackScope; count: number }>();
  readonly #fallbacks = new Emitter<FallbackEvent>();

  /** @throws ResilienceArgumentError for a number out of its range */
  constructor(options: FallbackSessionOptions = {}) {
    this.breaker = options.breaker ?? new CircuitBreaker();
    this.device = options.device ?? 'gpu';
    this.freeMemory = options.freeMemory;
    this.probe = options.probe;
    this.retry = retryPlan(options.retry ?? {});
    this.limits = options.bulkhead;
    if (options.bulkhead !== undefined) {
      const { concurrent, queued } = options.bulkhead;
      checkCount(concurrent, 'concurrent', 1, Number.MAX_SAFE_INTEGER);
      checkCount(queued, 'queued', 0, Number.MAX_SAFE_INTEGER);
      this.bulkhead = bulkhead(concurrent, queued);
    }
    this.#log = options.log ?? consoleLog;
  }

  /** Calls `listener` for each operation that goes to the CPU. What it throws is ignored. */
  onFallback(listener: (event: FallbackEvent) => void): Subscription {
    return this.#fallbacks.subscribe(listener);
  }

  /** Why operations went to the CPU, and how many. */
  causes(): FallbackCause[] {
    return [...this.#causes.values()].map((cause) => ({ ...cause }));
  }

  /** @internal */
  fellBack(operation: string, fault: Fault): void {
    const scope: FallbackScope = this.breaker.isPermanent ? 'session' : 'operation';
    const key = JSON.stringify([fault.source, fault.code, scope]);
    const cause = this.#causes.get(key) ?? { fault, scope, count: 0 };
    cause.count += 1;
    this.#causes.set(key, cause);
    if (cause.count === 1) this.#say(fault, scope);
    this.#fallbacks.emit({ operation, fault, scope, count: cause.count });
  }

  #say(fault: Fault, scope: FallbackScope): void {
    if (fault.code === 'forced-open') return;
    const extent = scope === 'session' ? 'remainder of session' : 'this operation';
    try {
      const line = `GPU failed (${fault.name}, ${fault.code}). Falling back to CPU for ${extent}.`;
      this.#log(line, fault.kind === 'absent' ? 'info' : 'warn');
    } catch {
      // A broken log must not turn an operation that works into one that fails.
    }
  }
}

function retryPlan(options: RetryOptions): FallbackSession['retry'] {
  const { maximumRetries = 3, initialDelayMs = 50, maximumDelayMs = 1000, withinMs = 2000 } = options;
  checkCount(maximumRetries, 'maximumRetries', 0, 100);
  checkDelay(initialDelayMs, 'initialDelayMs');
  checkDelay(maximumDelayMs, 'maximumDelayMs');
  checkDelay(withinMs, 'withinMs');
  const backoff = new ExponentialBackoff({ initialDelay: initialDelayMs, maxDelay: maximumDelayMs });
  return { maximumRetries, withinMs, backoff };
}

function checkCount(value: number, name: string, least: number, most: number): void {
  if (Number.isInteger(value) && value >= least && value <= most) return;
  throw new ResilienceArgumentError(`${name} must be a whole number of ${least} to ${most}, got ${value}`, {
    [name]: value,
  });
}
