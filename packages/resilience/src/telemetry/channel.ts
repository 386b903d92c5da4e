// The bounded queue between the producers and one sink.
import { eventRecord, type TelemetryRecord } from './record.js';

/** Where records go. A sink is never called again before its last call has ended. */
export interface TelemetrySink {
  /** For statistics. */
  readonly name: string;
  /**
   * Takes records and returns how many of them it has kept; the others count as dropped. Throwing means: none. It may emit
   * records itself: they wait for their turn.
   */
  write(records: readonly TelemetryRecord[]): number | PromiseLike<number>;
  /** Puts what was written where it survives. */
  flush?(): void | PromiseLike<void>;
  /** Frees what the sink holds. Called once, after the last `write`. */
  close?(): void | PromiseLike<void>;
}

/** What has become of the records of one sink: `produced` is always `written + dropped + pending`. */
export interface SinkStatistics {
  readonly name: string;
  readonly produced: number;
  readonly written: number;
  /** Queue full, sink failed, or stream closed. */
  readonly dropped: number;
  readonly pending: number;
  /** How many times the sink has thrown. */
  readonly failures: number;
  /** What it threw last; `null` where it never has. */
  readonly lastError: string | null;
}

const batchRecords = 256;

export class Channel {
  readonly #sink: TelemetrySink;
  readonly #queue: (TelemetryRecord | undefined)[];
  #first = 0;
  #queued = 0;
  #produced = 0;
  #written = 0;
  #dropped = 0;
  #reported = 0;
  #failures = 0;
  #lastError: string | null = null;
  #busy = false;
  #closed = false;
  /** Ends with the turn that is under way or comes next; never rejects. */
  #current: Promise<void> = Promise.resolve();
  #waiters: { readonly target: number; readonly resolve: () => void }[] = [];

  constructor(sink: TelemetrySink, capacity: number) {
    this.#sink = sink;
    this.#queue = new Array<TelemetryRecord | undefined>(capacity).fill(undefined);
  }

  statistics(): SinkStatistics {
    return {
      name: this.#sink.name,
      produced: this.#produced,
      written: this.#written,
      dropped: this.#dropped,
      pending: this.#produced - this.#written - this.#dropped,
      failures: this.#failures,
      lastError: this.#lastError,
    };
  }

  push(record: TelemetryRecord): void {
    this.#produced += 1;
    if (this.#closed || this.#queued === this.#queue.length) {
      this.#dropped += 1;
      return;
    }
    this.#queue[(this.#first + this.#queued) % this.#queue.length] = record;
    this.#queued += 1;
    this.#schedule();
  }

  /** Until each record that was there at the call is written or dropped, and the drops are reported. */
  async settled(): Promise<void> {
    const target = this.#produced;
    if (this.#written + this.#dropped < target) {
      await new Promise<void>((resolve) => this.#waiters.push({ target, resolve }));
    }
    if (this.#dropped !== this.#reported) this.#schedule();
    await this.#current;
  }

  async flush(): Promise<void> {
    await this.settled();
    await this.#sink.flush?.();
  }

  /** Nothing is taken any more; what waits is dropped, and a write under way may end. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#dropped += this.#queued;
    this.#queue.fill(undefined);
    this.#queued = 0;
    this.#wake();
    await this.#current;
    await this.#sink.close?.();
  }

  #schedule(): void {
    if (this.#busy) return;
    this.#busy = true;
    // A turn of its own: producers do not wait for sinks, and a sink that produces does not call itself.
    this.#current = new Promise((resolve) => {
      setTimeout(() => void this.#turn().then(resolve), 0);
    });
  }

  async #turn(): Promise<void> {
    // What arrives meanwhile waits for the next turn, so that a sink that produces cannot keep the program busy.
    for (let left = this.#queued; left > 0 && this.#queued > 0; ) {
      const batch = this.#take(Math.min(left, this.#queued, batchRecords));
      left -= batch.length;
      const kept = await this.#offer(batch);
      this.#written += kept;
      this.#dropped += batch.length - kept;
      this.#wake();
    }
    await this.#report();
    this.#busy = false;
    if (this.#queued > 0) this.#schedule();
  }

  #take(size: number): TelemetryRecord[] {
    const batch: TelemetryRecord[] = [];
    for (let index = 0; index < size; index++) {
      const record = this.#queue[this.#first];
      if (record !== undefined) batch.push(record);
      this.#queue[this.#first] = undefined;
      this.#first = (this.#first + 1) % this.#queue.length;
    }
    this.#queued -= size;
    return batch;
  }

  async #offer(records: readonly TelemetryRecord[]): Promise<number> {
    try {
      const kept = await this.#sink.write(records);
      return Math.min(Math.max(Math.trunc(kept) || 0, 0), records.length);
    } catch (error) {
      this.#failures += 1;
      this.#lastError = error instanceof Error ? error.message : String(error);
      return 0;
    }
  }

  /** Tells the sink itself what it did not get. Where that fails, the next turn tries again. */
  async #report(): Promise<void> {
    const total = this.#dropped;
    if (total === this.#reported || this.#closed) return;
    const dropped = total - this.#reported;
    const record = eventRecord({
      level: 'warn',
      component: 'telemetry',
      message: `${dropped} records were dropped`,
      metadata: { event: 'telemetry-dropped', sink: this.#sink.name, dropped, total },
    });
    if ((await this.#offer([record])) === 1) this.#reported = total;
  }

  #wake(): void {
    const done = this.#written + this.#dropped;
    const ready = this.#waiters.filter(({ target }) => target <= done);
    if (ready.length === 0) return;
    this.#waiters = this.#waiters.filter(({ target }) => target > done);
    for (const { resolve } of ready) resolve();
  }
}
