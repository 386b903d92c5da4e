// `vgpu logs`: the records that sessions have written.
import { setTimeout as sleep } from 'node:timers/promises';
import { telemetryFolder } from '@vgpu/resilience/node';
import { CliError } from '../errors.js';
import type { Context, Outcome } from '../output/command.js';
import { describeEntry } from './format.js';
import { type Entry, TelemetryReader } from './reader.js';

export interface LogsOptions {
  readonly dir?: string | undefined;
  /** In milliseconds since 1970. */
  readonly since?: number | undefined;
  /** A name; `*` at the end stands for anything. */
  readonly kernel?: string | undefined;
  readonly anomalies?: boolean | undefined;
  readonly lines: number;
  readonly follow?: boolean | undefined;
  readonly json?: boolean | undefined;
}

const POLL_MS = 200;

export async function logs(options: LogsOptions, { signal, say }: Context): Promise<Outcome> {
  if (options.follow && options.json) {
    throw new CliError('ERR_VGPU_USAGE', '--follow does not end, so it cannot print one JSON document', {
      remedy: 'leave out --json',
    });
  }
  const folder = options.dir ?? telemetryFolder();
  const reader = new TelemetryReader(folder, { since: options.since });
  const wanted = filterFor(options);
  const last = new Latest(options.lines);
  reader.read((entry) => wanted(entry) && last.add(entry));
  const entries = last.entries();
  if (options.follow) return follow(reader, entries, wanted, signal);
  sayBroken(reader.brokenLines, say);
  if (entries.length === 0) say(`no records in ${folder}`);
  return {
    document: {
      folder,
      brokenLines: reader.brokenLines,
      records: entries.map(({ record, session, isAnomaly }) => ({ ...record, session, anomaly: isAnomaly })),
    },
    text: entries.map(describeEntry).join('\n'),
  };
}

/** Whether a record is asked for. */
export function filterFor({
  since,
  kernel,
  anomalies = false,
}: Pick<LogsOptions, 'since' | 'kernel' | 'anomalies'>) {
  const prefix = kernel?.endsWith('*') ? kernel.slice(0, -1) : undefined;
  return ({ record, isAnomaly }: Entry): boolean => {
    if (anomalies && !isAnomaly) return false;
    if (since !== undefined && Date.parse(record.timestamp) < since) return false;
    if (kernel === undefined) return true;
    const name = record.gpu_metrics?.kernel_name;
    if (typeof name !== 'string') return false;
    return prefix === undefined ? name === kernel : name.startsWith(prefix);
  };
}

async function follow(
  reader: TelemetryReader,
  entries: readonly Entry[],
  wanted: (entry: Entry) => boolean,
  signal: AbortSignal,
): Promise<never> {
  const print = (entry: Entry) => process.stdout.write(`${describeEntry(entry)}\n`);
  entries.forEach(print);
  for (;;) {
    await sleep(POLL_MS, undefined, { signal });
    const news: Entry[] = [];
    reader.read((entry) => wanted(entry) && news.push(entry));
    news.sort(byTime).forEach(print);
  }
}

function sayBroken(count: number, say: (text: string) => void): void {
  if (count > 0) say(`${count} ${count === 1 ? 'line is' : 'lines are'} no record`);
}

/** The last ones of all files together, in little memory. */
class Latest {
  readonly #count: number;
  #entries: Entry[] = [];

  constructor(count: number) {
    this.#count = count;
  }

  add(entry: Entry): void {
    this.#entries.push(entry);
    if (this.#entries.length > 2 * this.#count + 1000) this.#cut();
  }

  /** In the order of time. */
  entries(): readonly Entry[] {
    this.#cut();
    return this.#entries;
  }

  #cut(): void {
    this.#entries.sort(byTime);
    this.#entries = this.#count === 0 ? [] : this.#entries.slice(-this.#count);
  }
}

// Timestamps are ISO 8601 in UTC, but may have more or fewer digits.
function byTime(one: Entry, other: Entry): number {
  return Date.parse(one.record.timestamp) - Date.parse(other.record.timestamp);
}
