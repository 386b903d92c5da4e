// How long a call may take: its deadline, and its caller's signal.
import { ResilienceArgumentError } from './errors.js';

export interface CallLimitOptions {
  readonly signal?: AbortSignal | undefined;
  readonly deadlineMs?: number | undefined;
  /** What the call rejects with after the deadline. */
  readonly onDeadline: () => Error;
}

/** Ends everything that runs inside it at the deadline or when the caller gives up. `dispose` stops its timer. */
export class CallLimit {
  readonly #controller = new AbortController();
  readonly #outer: AbortSignal | undefined;
  readonly #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(options: CallLimitOptions) {
    const { deadlineMs } = options;
    this.#outer = options.signal;
    if (deadlineMs !== undefined) {
      checkDelay(deadlineMs, 'deadlineMs');
      this.#timer = setTimeout(() => this.#controller.abort(options.onDeadline()), deadlineMs);
    }
    if (this.#outer?.aborted) this.#controller.abort(this.#outer.reason);
    else this.#outer?.addEventListener('abort', this.#giveUp);
  }

  readonly #giveUp = (): void => this.#controller.abort(this.#outer?.reason);

  /** Aborted at the deadline and when the caller gives up. */
  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /**
   * What `work` comes to, or the reason of the limit, whichever is first. The work gets a signal that tells it to stop; work
   * that does not listen goes on, and nobody waits for it.
   *
   * @param timeoutMs a shorter limit, for this piece of work alone, after which `onTimeout` is thrown
   */
  async run<Value>(
    work: (signal: AbortSignal) => Value | PromiseLike<Value>,
    timeoutMs?: number,
    onTimeout?: () => Error,
  ): Promise<Value> {
    const { signal } = this;
    signal.throwIfAborted();
    const piece = new AbortController();
    let timer: ReturnType<typeof setTimeout> | undefined;
    let stop: (() => void) | undefined;
    const over = new Promise<never>((_, reject) => {
      piece.signal.addEventListener('abort', () => reject(piece.signal.reason), { once: true });
      stop = () => piece.abort(signal.reason);
      signal.addEventListener('abort', stop, { once: true });
      if (timeoutMs !== undefined) timer = setTimeout(() => piece.abort(onTimeout?.()), timeoutMs);
    });
    try {
      return await Promise.race([work(piece.signal), over]);
    } finally {
      clearTimeout(timer);
      if (stop !== undefined) signal.removeEventListener('abort', stop);
    }
  }

  dispose(): void {
    clearTimeout(this.#timer);
    this.#outer?.removeEventListener('abort', this.#giveUp);
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
