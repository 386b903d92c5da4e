// Whether a session's GPU is used.
//
//            failures add up, or one says that the context is dead
//   closed ───────────────────────────────────────────────────────▶ open ◀──────┐
//     ▲                                                              │           │ the probe fails
//     │ the probe succeeds                      halfOpenAfterMs pass │           │
//     └───────────────────────── half-open ◀─────────────────────────┘───────────┘
//
// Where the fault ends the session's use of the GPU, open is for good. `force` lies above all that: the state below
// goes on, and counts again once `force(null)` has lifted it.
import { checkDelay } from './call-limit.js';
import { Emitter, type Subscription } from './emitter.js';
import { ResilienceArgumentError } from './errors.js';
import type { Fault } from './fault-table.js';
import { faultActions, faultDuringProbe } from './faults.js';
import { parseSavedBreaker, type SavedBreaker } from './saved-breaker.js';

/** `closed`: the GPU is used. `open`: it is not. `half-open`: one operation may try. */
export type BreakerStatus = 'closed' | 'open' | 'half-open';

/**
 * Where an operation goes: `gpu`; `cpu`; or `probe`, which is the GPU, as the one operation that decides whether it is
 * used again. Who gets `probe` must call one of `probeSucceeded`, `probeFailed` and `probeAbandoned`.
 */
export type Admission = 'gpu' | 'cpu' | 'probe';

export interface CircuitBreakerOptions {
  /** So many countable faults within `failureWindowMs` open the breaker. 1 to 10000; 5 by default. */
  readonly failureThreshold?: number;
  /** In ms, above 0, at most 2³¹ − 1; 60000 by default. */
  readonly failureWindowMs?: number;
  /** How long an open breaker waits before it lets one operation try. In ms, above 0, at most 2³¹ − 1; 10000 by default. */
  readonly halfOpenAfterMs?: number;
  /** `process`: a dead context is replaced by a new worker, so open need not be for good. `inproc` by default. */
  readonly isolation?: 'inproc' | 'process';
  /** The clock, in ms; `Date.now` by default, so that saved states mean the same in another process. */
  readonly now?: () => number;
  /** What `save()` returned, possibly in another process. Checked; anything else throws. */
  readonly saved?: unknown;
}

/** A change of what the breaker does. */
export interface BreakerEvent {
  readonly from: BreakerStatus;
  readonly to: BreakerStatus;
  /** The fault behind it; `null` when the breaker closes or was told to. */
  readonly cause: Fault | null;
  /** Whether `force` is in effect after the change. */
  readonly forced: boolean;
  /** In ms, by the breaker's clock. */
  readonly at: number;
}

type State = SavedBreaker['state'];

const closed: State = { status: 'closed' };

/**
 * The circuit breaker of one GPU session. While it is closed, `admit` costs one branch; while it is open, `admit`
 * allocates nothing. A timer, which keeps no process alive, makes an open one half-open. For one thread; share a state by `save` and `saved`.
 */
export class CircuitBreaker {
  readonly #failureThreshold: number;
  readonly #failureWindowMs: number;
  readonly #halfOpenAfterMs: number;
  readonly #isolated: boolean;
  readonly #now: () => number;
  readonly #changes = new Emitter<BreakerEvent>();
  #timer: ReturnType<typeof setTimeout> | undefined;
  #failures: number[] = [];
  #state: State = closed;
  #forced: 'open' | 'closed' | null = null;
  /** One at a time. Overtaken: the state has changed since, so that its outcome is late news, but no other may probe yet. */
  #probe: 'none' | 'running' | 'overtaken' = 'none';
  /** All that `admit` looks at in the common case. */
  #admitsAll = true;

  /**
   * @throws ResilienceArgumentError for a number out of its range
   * @throws ResilienceError `ERR_VGPU_RESILIENCE_SAVED_STATE` where `saved` is not a saved state
   */
  constructor(options: CircuitBreakerOptions = {}) {
    this.#failureThreshold = options.failureThreshold ?? 5;
    this.#failureWindowMs = options.failureWindowMs ?? 60_000;
    checkDelay(this.#failureWindowMs, 'failureWindowMs');
    this.#halfOpenAfterMs = options.halfOpenAfterMs ?? 10_000;
    checkDelay(this.#halfOpenAfterMs, 'halfOpenAfterMs');
    this.#isolated = options.isolation === 'process';
    this.#now = options.now ?? Date.now;
    const threshold = this.#failureThreshold;
    if (!Number.isInteger(threshold) || threshold < 1 || threshold > 10_000) {
      throw new ResilienceArgumentError(
        `failureThreshold must be a whole number of 1 to 10000, got ${threshold}`,
        {
          failureThreshold: threshold,
        },
      );
    }
    if (options.saved !== undefined) this.#restore(parseSavedBreaker(options.saved));
  }

  /** What the breaker does now. */
  get status(): BreakerStatus {
    return this.#forced ?? this.#state.status;
  }

  /** Why the breaker is not closed, where a fault is the reason. */
  get cause(): Fault | null {
    return this.#state.status === 'closed' || this.#forced === 'closed' ? null : this.#state.cause;
  }

  /** Whether only `reset` or `force` can close it again. */
  get isPermanent(): boolean {
    return this.#forced === 'open' || (this.#state.status === 'open' && this.#state.until === null);
  }

  /** How many times a listener of `onChange` has thrown. */
  get listenerFailures(): number {
    return this.#changes.failures;
  }

  /** Calls `listener` after each change, when the new state is already in effect. What it throws is only counted. */
  onChange(listener: (event: BreakerEvent) => void): Subscription {
    return this.#changes.subscribe(listener);
  }

  /** Where the next operation goes. Success on the GPU need not be reported, unless the answer was `probe`. */
  admit(): Admission {
    if (this.#admitsAll) return 'gpu';
    return this.#admitUnlessOpen();
  }

  #admitUnlessOpen(): Admission {
    if (this.#forced === 'open' || this.#state.status === 'open' || this.#probe !== 'none') return 'cpu';
    this.#probe = 'running';
    return 'probe';
  }

  /**
   * Tells of a fault of an operation that `admit` had sent to the `gpu`. A mistake of the caller and a full memory
   * change nothing; other kinds count or open the breaker, as `faultActions` says.
   */
  failed(fault: Fault): void {
    const action = faultActions[fault.kind].breaker;
    if (action === 'open') this.#open(fault);
    else if (action === 'count') this.#count(fault);
  }

  /** The operation that had been let through as `probe` has succeeded: the breaker closes. */
  probeSucceeded(): void {
    const decides = this.#endProbe();
    if (!decides) return;
    this.#failures = [];
    this.#become(closed, null);
  }

  /** The probe has failed: the breaker opens again, for good where the GPU is gone (an unknown error says so here). */
  probeFailed(fault: Fault): void {
    const decides = this.#endProbe();
    const seen = faultDuringProbe(fault);
    if (decides) this.#open(seen);
    else this.failed(seen);
  }

  /** The probe has ended without saying anything about the GPU, for example because its caller gave up. */
  probeAbandoned(): void {
    this.#endProbe();
  }

  /** Whether its outcome decides about the GPU. */
  #endProbe(): boolean {
    const decides = this.#probe === 'running';
    this.#probe = 'none';
    return decides;
  }

  /**
   * Keeps the breaker open or closed by hand until `force(null)`. A probe under way goes on. While closed by force, faults
   * are noted but change nothing that the caller sees.
   */
  force(status: 'open' | 'closed' | null): void {
    const from = this.status;
    this.#forced = status;
    this.#report(from, null);
  }

  /** Closes the breaker and forgets all failures, for example after the GPU was reset. `force` stays in effect. */
  reset(): void {
    this.#failures = [];
    if (this.#state.status !== 'closed') this.#become(closed, null);
  }

  /** The state as plain data, for `saved` of another breaker. */
  save(): SavedBreaker {
    return { version: 1, forced: this.#forced, failures: [...this.#failures], state: { ...this.#state } };
  }

  #restore(saved: SavedBreaker): void {
    this.#forced = saved.forced;
    this.#failures = saved.failures.slice(-this.#failureThreshold);
    this.#state = saved.state;
    this.#admitsAll = this.status === 'closed';
    if (this.#state.status === 'open' && this.#state.until !== null) this.#halfOpenAt(this.#state.until);
  }

  /** A timer, because reading the clock in `admit` would allocate: engines put such numbers on the heap. */
  #halfOpenAt(until: number): void {
    // A clock that was set back must not keep the breaker open for years.
    const wait = Math.min(Math.max(until - this.#now(), 0), this.#halfOpenAfterMs);
    this.#timer = setTimeout(() => {
      if (this.#state.status === 'open')
        this.#become({ status: 'half-open', cause: this.#state.cause }, this.#state.cause);
    }, wait);
    // No reason to keep a process alive. Elsewhere than in Node, timers do not, and are mere numbers.
    (this.#timer as { unref?: () => void }).unref?.();
  }

  #count(fault: Fault): void {
    if (this.#state.status !== 'closed') return;
    const now = this.#now();
    this.#failures = this.#failures.filter((at) => at <= now && now - at < this.#failureWindowMs);
    this.#failures.push(now);
    if (this.#failures.length >= this.#failureThreshold) this.#open(fault);
  }

  #open(fault: Fault): void {
    const forGood =
      fault.kind === 'absent' || fault.kind === 'gone' || (fault.kind === 'context-dead' && !this.#isolated);
    // An operation from before may report late: it can end a session, but not make anyone wait longer.
    if (this.#state.status === 'open' && (this.#state.until === null || !forGood)) return;
    // Of a half-open breaker, the probe alone decides, unless the fault is final.
    if (this.#state.status === 'half-open' && this.#probe === 'running' && !forGood) return;
    const since = this.#now();
    this.#failures = [];
    this.#become(
      { status: 'open', cause: fault, since, until: forGood ? null : since + this.#halfOpenAfterMs },
      fault,
    );
  }

  #become(state: State, cause: Fault | null): void {
    const from = this.status;
    clearTimeout(this.#timer);
    if (this.#probe === 'running') this.#probe = 'overtaken';
    this.#state = state;
    if (state.status === 'open' && state.until !== null) this.#halfOpenAt(state.until);
    this.#report(from, cause);
  }

  #report(from: BreakerStatus, cause: Fault | null): void {
    const to = this.status;
    this.#admitsAll = to === 'closed';
    if (from === to) return;
    this.#changes.emit({ from, to, cause, forced: this.#forced !== null, at: this.#now() });
  }
}
