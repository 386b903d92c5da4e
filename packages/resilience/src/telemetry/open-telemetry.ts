// OpenTelemetry metrics, through the meter that the program already has.
import type { TelemetrySink } from './channel.js';
import { bucketBounds, type MetricName, measurementsOf, metrics } from './measurements.js';

type Attributes = Readonly<Record<string, string>>;
type InstrumentOptions = { readonly description: string; readonly unit: string };
// Not `readonly number[]`: the meter's own type would not take it.
type HistogramOptions = InstrumentOptions & { readonly advice: { explicitBucketBoundaries: number[] } };

/** What is used of a `Meter` of `@opentelemetry/api` 1.x, which need not be installed. */
export interface OpenTelemetryMeter {
  createCounter(
    name: string,
    options: InstrumentOptions,
  ): { add(value: number, attributes: Attributes): void };
  createHistogram(
    name: string,
    options: HistogramOptions,
  ): { record(value: number, attributes: Attributes): void };
  createObservableGauge(
    name: string,
    options: InstrumentOptions,
  ): { addCallback(callback: (result: { observe(value: number): void }) => void): void };
}

/**
 * A sink that feeds a meter: `new Telemetry({ sinks: [openTelemetrySink(metrics.getMeter('my-program'))] })`. Instruments are
 * created at once, and are named as for Prometheus but without `_total`.
 */
export function openTelemetrySink(meter: OpenTelemetryMeter): TelemetrySink {
  const instruments = new Map<string, (value: number, attributes: Attributes) => void>();
  for (const name of Object.keys(metrics) as MetricName[]) instruments.set(name, instrument(meter, name));
  return {
    name: 'opentelemetry',
    write(records) {
      for (const record of records) {
        for (const { metric, value, attributes } of measurementsOf(record))
          instruments.get(metric)?.(value, attributes);
      }
      return records.length;
    },
  };
}

function instrument(
  meter: OpenTelemetryMeter,
  name: MetricName,
): (value: number, attributes: Attributes) => void {
  const { type, description, unit } = metrics[name];
  if (type === 'counter') {
    const counter = meter.createCounter(name, { description, unit });
    return (value, attributes) => counter.add(value, attributes);
  }
  if (type === 'histogram') {
    // The SDK's own bounds are for milliseconds: nearly every kernel would be in the first bucket.
    const advice = { explicitBucketBoundaries: [...bucketBounds] };
    const histogram = meter.createHistogram(name, { description, unit, advice });
    return (value, attributes) => histogram.record(value, attributes);
  }
  let last: number | undefined;
  meter.createObservableGauge(name, { description, unit }).addCallback((result) => {
    if (last !== undefined) result.observe(last);
  });
  return (value) => {
    last = value;
  };
}
