// Events to listeners that must not be able to harm whoever reports them.

/** Ends a subscription. Calling it again does nothing. */
export interface Subscription extends Disposable {
  dispose(): void;
}

/** Calls listeners one after the other; one that throws is counted and does not keep the next from being called. */
export class Emitter<Event> {
  readonly #listeners = new Set<(event: Event) => void>();
  #failures = 0;

  /** How many times a listener has thrown. */
  get failures(): number {
    return this.#failures;
  }

  subscribe(listener: (event: Event) => void): Subscription {
    // An entry of its own, so that a listener may be subscribed twice.
    const entry = (event: Event) => listener(event);
    this.#listeners.add(entry);
    const dispose = () => {
      this.#listeners.delete(entry);
    };
    // Not in every engine: where it is missing, nobody can write `using` either.
    return { dispose, [Symbol.dispose ?? Symbol.for('Symbol.dispose')]: dispose } as Subscription;
  }

  /** A listener may subscribe, unsubscribe, or cause more events: those present at the start are called. */
  emit(event: Event): void {
    if (this.#listeners.size === 0) return;
    for (const listener of [...this.#listeners]) {
      try {
        listener(event);
      } catch {
        this.#failures += 1;
      }
    }
  }
}
