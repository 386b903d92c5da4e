// How long a call may take: its deadline, and its caller's signal.
import { ResilienceArgumentError } from './errors.js';

/** What the work of an operation gets. */
export interface OperationContext {
  /**
   * Aborted when nobody waits for the result any more: at a deadline, after a hang, or when the caller gives up. Made on
   * first use, because that takes longer than a small operation.
   */
  readonly signal: AbortSignal;
}

/** Something that ends once, for a reason. */
class Ending implements OperationContext {
  #over: { readonly reason: unknown } | undefined;
  #controller: AbortController | undefined;
  readonly #listeners = new Set<(reason: unknown) => void>();

  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController();
      if (this.#over !== undefined) this.#controller.abort(this.#over.reason);
    }
    return this.#controller.signal;
  }

  throwIfOver(): void {
    if (this.#over !== undefined) throw this.#over.reason;
  }

  end(reason: unknown): void {
    if (this.#over !== undefined) return;
    this.#over = { reason };
    for (const listener of [...this.#listeners]) listener(reason);
    this.#controller?.abort(reason);
  }

  /** @returns what takes the listener away again */
  onEnd(listener: (reason: unknown) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }
}

export interface CallLimitOptions {
  readonly signal?: AbortSignal | undefined;
  readonly deadlineMs?: number | undefined;
  /** What the call rejects with after the deadline. */
  readonly onDeadline: () => Error;
}

/** Ends everything that runs inside it at the deadline or when the caller gives up. `dispose` stops its timer. */
export class CallLimit {
  readonly #ending = new Ending();
  readonly #caller: AbortSignal | undefined;
  readonly #bounded: boolean;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor({ signal, deadlineMs, onDeadline }: CallLimitOptions) {
    this.#caller = signal;
    this.#bounded = signal !== undefined || deadlineMs !== undefined;
    if (deadlineMs !== undefined) {
      checkDelay(deadlineMs, 'deadlineMs');
      this.#timer = setTimeout(() => this.#ending.end(onDeadline()), deadlineMs);
    }
    if (signal?.aborted) this.#ending.end(signal.reason);
    else signal?.addEventListener('abort', this.#giveUp);
  }

  readonly #giveUp = (): void => this.#ending.end(this.#caller?.reason);

  throwIfOver(): void {
    this.#ending.throwIfOver();
  }

  /**
   * What `work` comes to, or the reason of the limit, whichever is first. Work that does not listen to its signal goes on, and
   * nobody waits for it.
   *
   * @param timeoutMs a shorter limit, for this piece of work alone, after which `onTimeout` is thrown
   */
  async run<Value>(
    work: (context: OperationContext) => Value | PromiseLike<Value>,
    timeoutMs?: number,
    onTimeout?: () => Error,
  ): Promise<Value> {
    this.#ending.throwIfOver();
    if (!this.#bounded && timeoutMs === undefined) return work(this.#ending);
    const piece = new Ending();
    const stop = this.#ending.onEnd((reason) => piece.end(reason));
    const timer = timeoutMs === undefined ? undefined : setTimeout(() => piece.end(onTimeout?.()), timeoutMs);
    try {
      return await new Promise<Value>((resolve, reject) => {
        piece.onEnd(reject);
        Promise.resolve(work(piece)).then(resolve, reject);
      });
    } finally {
      clearTimeout(timer);
      stop();
    }
  }

  dispose(): void {
    clearTimeout(this.#timer);
    this.#caller?.removeEventListener('abort', this.#giveUp);
  }
}

/** Timers count in signed 32-bit numbers of ms: a longer one would go off at once. */
export function checkDelay(milliseconds: number, name: string): void {
  if (milliseconds > 0 && milliseconds <= 2 ** 31 - 1) return;
  throw new ResilienceArgumentError(
    `${name} must be above 0 and at most ${2 ** 31 - 1} ms, got ${milliseconds}`,
    {
      [name]: milliseconds,
    },
  );
}
