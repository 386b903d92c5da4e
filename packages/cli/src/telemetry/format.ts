// Records for people.
import { visible } from '../output/visible.js';
import type { Entry } from './reader.js';

/** 1234.5 µs → "1.2 ms". */
export function formatTime(microseconds: number): string {
  if (microseconds < 999.5) return `${microseconds.toFixed(microseconds < 9.95 ? 1 : 0)} µs`;
  if (microseconds < 999_500) return `${(microseconds / 1e3).toFixed(1)} ms`;
  return `${(microseconds / 1e6).toFixed(1)} s`;
}

/** MB, as records have them: 10⁶ bytes. */
export function formatMegabytes(megabytes: number | null): string {
  return megabytes === null ? '' : `${megabytes.toFixed(megabytes < 9.95 ? 1 : 0)} MB`;
}

/** One line: when, how bad, who, what, and how long it took. */
export function describeEntry({ record, session, isAnomaly }: Entry): string {
  const { timestamp, level, message, gpu_metrics: metrics } = record;
  const time = metrics?.execution_time_us ?? null;
  const details = [
    ...(time === null ? [] : [formatTime(time)]),
    ...(metrics?.memory_peak_mb == null ? [] : [formatMegabytes(metrics.memory_peak_mb)]),
    ...(isAnomaly ? ['anomaly'] : []),
  ];
  const text = visible(`${timestamp} ${level.padEnd(5)} ${session}  ${message}`);
  return details.length === 0 ? text : `${text} (${details.join(', ')})`;
}
