// One operation: on the GPU where that works, on the CPU where the table of faults says so.
import { handleWhen, isBulkheadRejectedError, retry } from 'cockatiel';
import { CallLimit, checkDelay, type OperationContext } from './call-limit.js';
import { BulkheadFullError, DeadlineExceededError, GpuError, InputsTouchedError } from './errors.js';
import type { FallbackSession } from './fallback-session.js';
import type { Fault } from './fault-table.js';
import { conditionFault, faultActions, faultOf } from './faults.js';

/** The same operation twice. */
export interface FallbackOperation<Value> {
  /** For messages and events. */
  readonly name: string;
  /** Throws `GpuError` where the GPU fails; any other error is taken for the caller's and thrown as it is. */
  readonly gpu: (context: OperationContext) => Value | PromiseLike<Value>;
  readonly cpu: (context: OperationContext) => Value | PromiseLike<Value>;
  /**
   * Whether the inputs are as they were when the GPU has failed: `true` for operations that write elsewhere or keep a copy. Where
   * they are not, nothing is retried and the CPU does not take over.
   */
  readonly inputsUntouched: boolean | (() => boolean);
}

export interface FallbackCallOptions {
  /** `never`: throw the GPU's own error instead of using the CPU. `allowed` by default. */
  readonly fallback?: 'allowed' | 'never';
  /** Rejects with the signal's reason. */
  readonly signal?: AbortSignal;
  /** For the call as a whole, waiting and CPU included. In ms; none by default. */
  readonly deadlineMs?: number;
  /**
   * An attempt (or probe) on the GPU that takes longer counts as hung, which is a dead context: its memory may still be in use, and must
   * not be freed. In ms; none by default.
   */
  readonly hangAfterMs?: number;
}

/** A result, and how it came about. */
export interface FallbackResult<Value> {
  readonly value: Value;
  readonly device: 'gpu' | 'software-gpu' | 'cpu';
  /** Why it did not come from the GPU; `null` where it did. */
  readonly reason: Fault | null;
  /** How many times the operation was started on the GPU. */
  readonly attempts: number;
}

/**
 * Runs an operation on the session's GPU, or on the CPU where the GPU fails or is known not to work. Retries are bounded by the
 * session's `retry`; each fault is told to the breaker.
 *
 * @throws GpuError for a caller's mistake that the GPU noticed, and for any fault with `fallback: 'never'`
 * @throws InputsTouchedError where the GPU failed and the inputs are not what they were
 * @throws DeadlineExceededError, or the reason of `signal`
 * @throws BulkheadFullError where too many operations run and wait
 * @throws ResilienceArgumentError for a time out of range
 * @throws whatever the operation throws that is not a `GpuError`, and whatever its CPU path throws
 */
export async function withFallback<Value>(
  session: FallbackSession,
  operation: FallbackOperation<Value>,
  options: FallbackCallOptions = {},
): Promise<FallbackResult<Value>> {
  const { signal, deadlineMs, hangAfterMs } = options;
  if (hangAfterMs !== undefined) checkDelay(hangAfterMs, 'hangAfterMs');
  const onDeadline = () => new DeadlineExceededError(operation.name, deadlineMs ?? 0);
  const limit = new CallLimit({ signal, deadlineMs, onDeadline });
  const call = new Call(session, operation, options, limit);
  try {
    const { bulkhead } = session;
    if (bulkhead === undefined) return await limit.run(() => call.run());
    return await limit.run(() => bulkhead.execute(() => call.run()));
  } catch (error) {
    if (session.limits === undefined || !(error instanceof Error) || !isBulkheadRejectedError(error))
      throw error;
    throw new BulkheadFullError(operation.name, session.limits, error);
  } finally {
    limit.dispose();
  }
}

class Call<Value> {
  readonly #session: FallbackSession;
  readonly #operation: FallbackOperation<Value>;
  readonly #options: FallbackCallOptions;
  readonly #limit: CallLimit;
  #attempts = 0;

  constructor(
    session: FallbackSession,
    operation: FallbackOperation<Value>,
    options: FallbackCallOptions,
    limit: CallLimit,
  ) {
    this.#session = session;
    this.#operation = operation;
    this.#options = options;
    this.#limit = limit;
  }

  async run(): Promise<FallbackResult<Value>> {
    const { breaker, device } = this.#session;
    const admission = breaker.admit();
    if (admission === 'cpu') return this.#onCpuInsteadOf(breaker.cause ?? conditionFault('forced-open'));
    try {
      const value = admission === 'probe' ? await this.#asProbe() : await this.#withRetries();
      return { value, device, reason: null, attempts: this.#attempts };
    } catch (error) {
      return await this.#afterFailure(error);
    }
  }

  /** The error of the GPU again, or the result of the CPU. */
  async #afterFailure(error: unknown): Promise<FallbackResult<Value>> {
    const fault = faultOf(error);
    if (fault === undefined || faultActions[fault.kind].throws || this.#options.fallback === 'never')
      throw error;
    if (!this.#inputsUntouched()) throw new InputsTouchedError(this.#operation.name, error);
    return this.#onCpuInsteadOf(fault);
  }

  async #onCpuInsteadOf(reason: Fault): Promise<FallbackResult<Value>> {
    const { name, cpu } = this.#operation;
    if (this.#options.fallback === 'never') throw new GpuError(reason, name);
    this.#limit.throwIfOver();
    this.#session.fellBack(name, reason);
    const value = await this.#limit.run(cpu);
    return { value, device: 'cpu', reason, attempts: this.#attempts };
  }

  async #asProbe(): Promise<Value> {
    const { breaker, probe } = this.#session;
    let fault: Fault | undefined;
    try {
      if (probe !== undefined) await this.#onGpu('probe', probe);
      const value = await this.#withMemory();
      breaker.probeSucceeded();
      return value;
    } catch (error) {
      fault = faultOf(error);
      throw error;
    } finally {
      // A full memory or a wrong argument says nothing against the GPU.
      if (fault !== undefined && faultActions[fault.kind].breaker !== 'ignore') breaker.probeFailed(fault);
      else breaker.probeAbandoned();
    }
  }

  async #withRetries(): Promise<Value> {
    const { breaker, retry: plan } = this.#session;
    const giveUpAt = Date.now() + plan.withinMs;
    const worthIt = (error: Error): boolean => {
      const fault = faultOf(error);
      return (
        fault !== undefined &&
        faultActions[fault.kind].retry === 'after-pause' &&
        breaker.status === 'closed' &&
        Date.now() < giveUpAt &&
        this.#inputsUntouched()
      );
    };
    const policy = retry(handleWhen(worthIt), { maxAttempts: plan.maximumRetries, backoff: plan.backoff });
    return policy.execute(async () => {
      try {
        return await this.#withMemory();
      } catch (error) {
        const fault = faultOf(error);
        if (fault !== undefined) breaker.failed(fault);
        throw error;
      }
    });
  }

  async #withMemory(): Promise<Value> {
    const { name, gpu } = this.#operation;
    const attempt = () => {
      this.#attempts += 1;
      return this.#onGpu(name, gpu);
    };
    const { freeMemory } = this.#session;
    try {
      return await attempt();
    } catch (error) {
      const fault = faultOf(error);
      if (fault === undefined || faultActions[fault.kind].retry !== 'after-freeing-memory') throw error;
      if (freeMemory === undefined || !this.#inputsUntouched()) throw error;
      await this.#free(freeMemory, fault, error);
      return await attempt();
    }
  }

  async #free(freeMemory: () => void | PromiseLike<void>, fault: Fault, error: unknown): Promise<void> {
    try {
      await this.#limit.run(freeMemory);
    } catch (failure) {
      this.#limit.throwIfOver();
      // Still nothing but a full memory; but why it could not be freed must not get lost.
      const cause = new AggregateError([error, failure], 'no memory, and freeing some failed');
      throw new GpuError(faultOf(failure) ?? fault, this.#operation.name, { cause });
    }
  }

  #onGpu<Result>(
    name: string,
    work: (context: OperationContext) => Result | PromiseLike<Result>,
  ): Promise<Result> {
    return this.#limit.run(work, this.#options.hangAfterMs, () => new GpuError(conditionFault('hung'), name));
  }

  #inputsUntouched(): boolean {
    const { inputsUntouched } = this.#operation;
    return typeof inputsUntouched === 'function' ? inputsUntouched() : inputsUntouched;
  }
}
