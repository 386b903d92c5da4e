// `vgpu top`: what sessions do now.
import { setTimeout as sleep } from 'node:timers/promises';
import { telemetryFolder } from '@vgpu/resilience/node';
import type { Context, Outcome } from '../output/command.js';
import { jsonDocument } from '../output/json.js';
import { screenful } from '../output/style.js';
import { type Entry, TelemetryReader } from './reader.js';
import { breakerIn, describeSnapshot, type Snapshot, snapshotOf } from './snapshot.js';

export interface TopOptions {
  readonly dir?: string | undefined;
  /** In seconds. */
  readonly interval: number;
  /** Records of so many last seconds count. */
  readonly window: number;
  readonly watch?: boolean | undefined;
  readonly json?: boolean | undefined;
}

/** Of each file, when it is seen first. */
const TAIL_BYTES = 8 * 1024 * 1024;
const MOST_ENTRIES = 200_000;
/** Timers know no longer times: 24 days. */
const MOST_SLEEP_MS = 2 ** 31 - 1;

export async function top(options: TopOptions, { signal, say }: Context): Promise<Outcome> {
  const view = new View(options);
  const { watch = process.stdout.isTTY === true && options.json !== true } = options;
  if (!watch) {
    const snapshot = view.look();
    if (view.brokenLines > 0) say(`${view.brokenLines} lines are no records`);
    return { document: documentOf(snapshot, view), text: describeSnapshot(snapshot) };
  }
  for (;;) {
    const snapshot = view.look();
    process.stdout.write(
      options.json
        ? jsonDocument('top', true, documentOf(snapshot, view))
        : screenful(describeSnapshot(snapshot), process.stdout, process.env),
    );
    await sleep(Math.min(options.interval * 1000, MOST_SLEEP_MS), undefined, { signal });
  }
}

function documentOf({ anomalies, ...snapshot }: Snapshot, { folder, brokenLines }: View): object {
  return {
    folder,
    brokenLines,
    ...snapshot,
    anomalies: anomalies.map(({ record, session }) => ({ ...record, session })),
  };
}

class View {
  readonly folder: string;
  readonly #reader: TelemetryReader;
  readonly #windowSeconds: number;
  readonly #breakers = new Map<string, string>();
  #entries: Entry[] = [];

  constructor({ dir, window }: TopOptions) {
    this.folder = dir ?? telemetryFolder();
    this.#reader = new TelemetryReader(this.folder, { tailBytes: TAIL_BYTES });
    this.#windowSeconds = window;
  }

  get brokenLines(): number {
    return this.#reader.brokenLines;
  }

  look(): Snapshot {
    const from = Date.now() - this.#windowSeconds * 1000;
    const isRecent = ({ record }: Entry) => Date.parse(record.timestamp) >= from;
    this.#entries = this.#entries.filter(isRecent);
    this.#reader.read((entry) => {
      const state = breakerIn(entry);
      if (state !== undefined) this.#breakers.set(entry.session, state);
      if (isRecent(entry)) this.#entries.push(entry);
    });
    if (this.#entries.length > MOST_ENTRIES) this.#entries = this.#entries.slice(-MOST_ENTRIES);
    return snapshotOf(this.#entries, this.#windowSeconds, this.#breakers);
  }
}
