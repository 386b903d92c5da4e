// Runs of a kernel that take unusually long, or suspiciously short.
//
// Median and median absolute deviation (MAD), because a few wild samples do not move them as they would move mean and
// standard deviation. 1.4826 × MAD estimates the standard deviation of a normal distribution.
// (F. R. Hampel, "The influence curve and its role in robust estimation", JASA 69, 1974.)
import { ResilienceArgumentError } from './errors.js';
import type { TelemetryRecord } from './telemetry/record.js';

/** A sample that does not fit what the kernel did before. */
export interface Anomaly {
  /** `outlier`: one run. `shift`: it has been like that for `persistAfter` runs, and is normal from now on. */
  readonly kind: 'outlier' | 'shift';
  readonly direction: 'high' | 'low';
  readonly kernel: string;
  readonly value: number;
  /** Of the samples that are normal; for a shift, of those before it. */
  readonly median: number;
  /** Its distance from the median, in estimated standard deviations. */
  readonly score: number;
}

export interface AnomalyOptions {
  /** The baseline is the last so many normal samples. 20 to 10000; 100 by default. */
  readonly window?: number;
  /** No judgement before there are so many. 3 to `window`; 20 by default. */
  readonly minimumSamples?: number;
  /** From how many estimated standard deviations on a sample is an outlier. Above 0; 5 by default. */
  readonly threshold?: number;
  /** So many outliers in a row, all in one direction, are a shift. 2 to `window`; 10 by default. */
  readonly persistAfter?: number;
}

/** Deviations below this share of the median are noise, however even the samples are. */
const leastRelativeDeviation = 0.01;

/** Names of kernels come from programs: of the kernels beyond, those that were not seen for longest are forgotten. */
const maximumKernels = 1000;

interface Baseline {
  /** Normal samples, oldest first. */
  readonly samples: number[];
  /** The latest outliers, all in one direction. */
  outliers: number[];
  direction: 'high' | 'low';
}

/** Watches the samples of many kernels. A sample costs O(window log window): some µs. Holds at most 1000 kernels × `window` numbers. */
export class AnomalyDetector {
  readonly #window: number;
  readonly #minimumSamples: number;
  readonly #threshold: number;
  readonly #persistAfter: number;
  readonly #kernels = new Map<string, Baseline>();

  /** @throws ResilienceArgumentError for a number out of its range */
  constructor(options: AnomalyOptions = {}) {
    const { window = 100, minimumSamples = 20, threshold = 5, persistAfter = 10 } = options;
    check(Number.isInteger(window) && window >= 20 && window <= 10_000, { window });
    check(Number.isInteger(minimumSamples) && minimumSamples >= 3 && minimumSamples <= window, {
      minimumSamples,
    });
    check(Number.isFinite(threshold) && threshold > 0, { threshold });
    check(Number.isInteger(persistAfter) && persistAfter >= 2 && persistAfter <= window, { persistAfter });
    this.#window = window;
    this.#minimumSamples = minimumSamples;
    this.#threshold = threshold;
    this.#persistAfter = persistAfter;
  }

  /**
   * Adds a sample (usually a time) and says whether it is unusual. `undefined`: too few samples to tell. `null`: it is not. An outlier does
   * not become part of the baseline, unless it turns out to belong to a shift.
   *
   * @throws ResilienceArgumentError for a sample that is negative or not finite
   */
  observe(kernel: string, value: number): Anomaly | null | undefined {
    check(Number.isFinite(value) && value >= 0, { value });
    const baseline = this.#baselineOf(kernel);
    const { samples } = baseline;
    if (samples.length < this.#minimumSamples) {
      samples.push(value);
      return undefined;
    }
    const { median, deviation } = statisticsOf(samples);
    // A baseline of nothing but zeros: any other value is infinitely far away.
    const score = value === median ? 0 : Math.abs(value - median) / deviation;
    if (score < this.#threshold) {
      baseline.outliers = [];
      samples.push(value);
      if (samples.length > this.#window) samples.shift();
      return null;
    }
    const direction = value > median ? 'high' : 'low';
    const kind = this.#persists(baseline, value, direction) ? 'shift' : 'outlier';
    return { kind, direction, kernel, value, median, score };
  }

  /**
   * Whether the run of a kernel that a record tells of is unusual, and `null` where nobody can tell: too few runs, or one that failed.
   * What the record says itself stands. Runs are compared with those of the same kernel on the same `metadata.device`, with arrays
   * (`metadata.array_bytes`) of about the same size: within a factor of two.
   */
  judge({ gpu_metrics: metrics, metadata }: TelemetryRecord): boolean | null {
    if (metrics === null) return null;
    const { kernel_name: kernel, execution_time_us: time, performance_anomaly: said } = metrics;
    if (said !== null || kernel === null || time === null || (metrics.error_count ?? 0) > 0) return said;
    const { device = null, array_bytes: bytes } = metadata;
    const size = typeof bytes === 'number' && bytes > 0 ? Math.floor(Math.log2(bytes)) : null;
    const anomaly = this.observe(JSON.stringify([kernel, device, size]), time);
    return anomaly === undefined ? null : anomaly !== null;
  }

  /** Remembers the outlier; where it is the last of a shift, the outliers become the baseline. */
  #persists(baseline: Baseline, value: number, direction: 'high' | 'low'): boolean {
    if (baseline.direction !== direction) baseline.outliers = [];
    baseline.direction = direction;
    baseline.outliers.push(value);
    if (baseline.outliers.length < this.#persistAfter) return false;
    baseline.samples.splice(0, baseline.samples.length, ...baseline.outliers);
    baseline.outliers = [];
    return true;
  }

  #baselineOf(kernel: string): Baseline {
    const known = this.#kernels.get(kernel);
    const baseline = known ?? { samples: [], outliers: [], direction: 'high' as const };
    // A map keeps the order in which keys were added: the first is the one not seen for longest.
    this.#kernels.delete(kernel);
    this.#kernels.set(kernel, baseline);
    if (this.#kernels.size > maximumKernels) {
      const [oldest] = this.#kernels.keys();
      if (oldest !== undefined) this.#kernels.delete(oldest);
    }
    return baseline;
  }
}

function statisticsOf(samples: readonly number[]): { median: number; deviation: number } {
  const median = medianOf(Float64Array.from(samples));
  const mad = medianOf(Float64Array.from(samples, (sample) => Math.abs(sample - median)));
  return { median, deviation: Math.max(1.4826 * mad, leastRelativeDeviation * median) };
}

/** Sorts `values`. */
function medianOf(values: Float64Array): number {
  values.sort();
  return ((values[(values.length - 1) >> 1] ?? 0) + (values[values.length >> 1] ?? 0)) / 2;
}

function check(valid: boolean, named: Readonly<Record<string, number>>): void {
  if (valid) return;
  const [[name, value] = ['', 0]] = Object.entries(named);
  throw new ResilienceArgumentError(`${name} is out of range: ${value}`, named);
}
