// One stream of records, several sinks.
import { checkDelay } from '../call-limit.js';
import type { Subscription } from '../emitter.js';
import { ResilienceArgumentError } from '../errors.js';
import { Channel, type SinkStatistics, type TelemetrySink } from './channel.js';
import type { TelemetryRecord } from './record.js';

export interface TelemetryOptions {
  readonly sinks?: readonly TelemetrySink[];
  /** So many records may wait for each sink; more are dropped and counted. 1 to 1000000; 8192 by default. */
  readonly capacity?: number;
}

/**
 * Takes records and hands them to sinks, each with a bounded queue of its own: a sink that is slow, hangs or throws costs its
 * own records and nothing else. Producers never wait, and nothing that a sink or listener does reaches them. For one thread.
 *
 * Records that wait are lost when the process ends: `await close()` first.
 */
export class Telemetry {
  readonly #capacity: number;
  readonly #channels = new Set<Channel>();

  /** @throws ResilienceArgumentError for a capacity out of range */
  constructor(options: TelemetryOptions = {}) {
    const { capacity = 8192, sinks = [] } = options;
    if (!Number.isInteger(capacity) || capacity < 1 || capacity > 1_000_000) {
      throw new ResilienceArgumentError(`capacity must be a whole number of 1 to 1000000, got ${capacity}`, {
        capacity,
      });
    }
    this.#capacity = capacity;
    for (const sink of sinks) this.#channels.add(new Channel(sink, capacity));
  }

  /** Puts a record in each sink's queue. Never throws, never waits. The record must not be changed afterwards. O(sinks). */
  emit(record: TelemetryRecord): void {
    for (const channel of this.#channels) channel.push(record);
  }

  /**
   * Calls `listener` with each record from now on, in a turn of its own. It may emit, subscribe and flush. A record on which it
   * throws counts as dropped for it. Ending the subscription drops what still waits for the listener.
   */
  subscribe(listener: (record: TelemetryRecord) => void): Subscription {
    const channel = new Channel(listenerSink(listener), this.#capacity);
    this.#channels.add(channel);
    const dispose = () => {
      this.#channels.delete(channel);
      // The sink of a listener has nothing that could fail to close.
      void channel.close();
    };
    return { dispose, [Symbol.dispose ?? Symbol.for('Symbol.dispose')]: dispose } as Subscription;
  }

  /** What has become of the records, sink by sink; listeners are sinks named `listener`. */
  statistics(): SinkStatistics[] {
    return [...this.#channels].map((channel) => channel.statistics());
  }

  /**
   * Waits until what was emitted before is written or dropped, and each sink has flushed.
   *
   * @param timeoutMs a sink that hangs is not waited for longer; above 0; 5000 by default
   * @returns whether all of that happened, without an error of a sink's `flush`
   * @throws ResilienceArgumentError for a timeout out of range
   */
  async flush(timeoutMs = 5000): Promise<boolean> {
    checkDelay(timeoutMs, 'timeoutMs');
    return inTime(
      [...this.#channels].map((channel) => channel.flush()),
      timeoutMs,
    );
  }

  /** Flushes, then closes all sinks. What is emitted later is dropped and counted. See `flush` for parameter and result. */
  async close(timeoutMs = 5000): Promise<boolean> {
    const flushed = await this.flush(timeoutMs);
    const closed = await inTime(
      [...this.#channels].map((channel) => channel.close()),
      timeoutMs,
    );
    return flushed && closed;
  }
}

function listenerSink(listener: (record: TelemetryRecord) => void): TelemetrySink {
  return {
    name: 'listener',
    write(records) {
      let kept = 0;
      for (const record of records) {
        try {
          listener(record);
          kept += 1;
        } catch {
          // Counted as dropped; the next record may be fine.
        }
      }
      return kept;
    },
  };
}

async function inTime(works: readonly Promise<void>[], timeoutMs: number): Promise<boolean> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<false>((resolve) => {
    timer = setTimeout(() => resolve(false), timeoutMs);
  });
  const all = Promise.allSettled(works).then((results) =>
    results.every(({ status }) => status === 'fulfilled'),
  );
  try {
    return await Promise.race([all, late]);
  } finally {
    clearTimeout(timer);
  }
}
