// The text that Prometheus scrapes (text exposition format 0.0.4).
import type { TelemetrySink } from './channel.js';
import { bucketBounds, type Measurement, type MetricName, measurementsOf, metrics } from './measurements.js';
import type { TelemetryRecord } from './record.js';

/** Names of kernels come from programs: one that makes up new ones all the time must not fill the memory. */
const maximumSeries = 1000;

interface Series {
  readonly attributes: Readonly<Record<string, string>>;
  value: number;
  count: number;
  readonly buckets: number[];
}

/** Adds up records. Serve what `text()` returns as `text/plain; version=0.0.4`. Keeps at most 1000 series per metric. */
export class PrometheusSink implements TelemetrySink {
  readonly name = 'prometheus';
  readonly #series = new Map<MetricName, Map<string, Series>>();

  write(records: readonly TelemetryRecord[]): number {
    for (const record of records) for (const measurement of measurementsOf(record)) this.#add(measurement);
    return records.length;
  }

  /** Everything so far. Counters begin at the start of the process. */
  text(): string {
    const lines: string[] = [];
    for (const [name, { type, description }] of Object.entries(metrics)) {
      const all = this.#series.get(name as MetricName);
      if (all === undefined) continue;
      const exposed = type === 'counter' ? `${name}_total` : name;
      lines.push(`# HELP ${exposed} ${description}`, `# TYPE ${exposed} ${type}`);
      for (const series of all.values()) {
        if (type === 'histogram') lines.push(...histogramLines(exposed, series));
        else lines.push(sample(exposed, series.attributes, series.value));
      }
    }
    return lines.map((line) => `${line}\n`).join('');
  }

  #add({ metric, value, attributes }: Measurement): void {
    const series = this.#find(metric, attributes);
    const { type } = metrics[metric];
    if (type === 'gauge') series.value = value;
    else series.value += value;
    if (type !== 'histogram') return;
    series.count += 1;
    for (const [index, bound] of bucketBounds.entries()) {
      if (value <= bound) series.buckets[index] = (series.buckets[index] ?? 0) + 1;
    }
  }

  #find(metric: MetricName, attributes: Readonly<Record<string, string>>): Series {
    const all = this.#series.get(metric) ?? new Map<string, Series>();
    this.#series.set(metric, all);
    const key = JSON.stringify(attributes);
    const known = all.get(key);
    if (known !== undefined) return known;
    const isOther = Object.values(attributes).every((text) => text === 'other');
    if (all.size >= maximumSeries - 1 && !isOther) {
      return this.#find(metric, Object.fromEntries(Object.keys(attributes).map((label) => [label, 'other'])));
    }
    const series: Series = { attributes, value: 0, count: 0, buckets: bucketBounds.map(() => 0) };
    all.set(key, series);
    return series;
  }
}

function histogramLines(name: string, { attributes, value, count, buckets }: Series): string[] {
  const lines = bucketBounds.map((bound, index) =>
    sample(`${name}_bucket`, { ...attributes, le: String(bound) }, buckets[index] ?? 0),
  );
  lines.push(sample(`${name}_bucket`, { ...attributes, le: '+Inf' }, count));
  lines.push(sample(`${name}_sum`, attributes, value), sample(`${name}_count`, attributes, count));
  return lines;
}

function sample(name: string, attributes: Readonly<Record<string, string>>, value: number): string {
  const labels = Object.entries(attributes).map(([label, text]) => `${label}="${escapeLabel(text)}"`);
  return `${name}${labels.length === 0 ? '' : `{${labels.join(',')}}`} ${value}`;
}

function escapeLabel(text: string): string {
  return text.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n');
}
