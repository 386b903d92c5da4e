// What goes through the telemetry stream, and how it looks in a file.
import { z } from 'zod';
import { ResilienceArgumentError, ResilienceError } from '../errors.js';

const count = z.number().int().nonnegative().nullable();
const amount = z.number().nonnegative().nullable();

const gpuMetricsSchema = z.strictObject({
  kernel_name: z.string().nullable(),
  execution_time_us: amount,
  memory_allocated_mb: amount,
  memory_peak_mb: amount,
  gpu_utilization_percent: z.number().min(0).max(100).nullable(),
  error_count: count,
  recovery_attempts: count,
  performance_anomaly: z.boolean().nullable(),
});

const telemetryRecordSchema = z.strictObject({
  timestamp: z.iso.datetime(),
  level: z.enum(['debug', 'info', 'warn', 'error']),
  component: z.string(),
  message: z.string(),
  gpu_metrics: gpuMetricsSchema.nullable(),
  metadata: z.record(z.string(), z.union([z.string(), z.number(), z.boolean(), z.null()])),
});

/**
 * What is known about one run of a kernel; what is not known is `null`. Times in µs, memory in MB (10⁶ bytes), utilisation in
 * percent (0 to 100). `error_count` and `recovery_attempts` belong to this run alone.
 */
export type GpuMetrics = Readonly<z.infer<typeof gpuMetricsSchema>>;

/** One record of the stream, and one line of a file. `timestamp` is ISO 8601 in UTC; `gpu_metrics` is `null` where no kernel ran. */
export type TelemetryRecord = Readonly<
  Omit<z.infer<typeof telemetryRecordSchema>, 'gpu_metrics' | 'metadata'>
> & {
  readonly gpu_metrics: GpuMetrics | null;
  readonly metadata: Readonly<Record<string, string | number | boolean | null>>;
};

/** What a record needs to be told; the rest has a default. */
export type NewRecord = Pick<TelemetryRecord, 'component' | 'message'> & {
  readonly level?: TelemetryRecord['level'];
  readonly metadata?: TelemetryRecord['metadata'];
  /** Now, by default. */
  readonly timestamp?: string;
};

const unknownMetrics: GpuMetrics = {
  kernel_name: null,
  execution_time_us: null,
  memory_allocated_mb: null,
  memory_peak_mb: null,
  gpu_utilization_percent: null,
  error_count: null,
  recovery_attempts: null,
  performance_anomaly: null,
};

/** A record about something other than a kernel: level `info`, now, without metadata, unless told otherwise. */
export function eventRecord(fields: NewRecord): TelemetryRecord {
  return {
    timestamp: fields.timestamp ?? new Date().toISOString(),
    level: fields.level ?? 'info',
    component: fields.component,
    message: fields.message,
    gpu_metrics: null,
    metadata: fields.metadata ?? {},
  };
}

/** A record about a kernel. Metrics that are left out are not known: they become `null`. */
export function kernelRecord(fields: NewRecord, metrics: Partial<GpuMetrics>): TelemetryRecord {
  return { ...eventRecord(fields), gpu_metrics: { ...unknownMetrics, ...metrics } };
}

/**
 * One line of a JSON lines file, line feed included.
 *
 * @throws ResilienceArgumentError for a record that JSON cannot hold
 */
export function encodeRecord(record: TelemetryRecord): string {
  try {
    return `${JSON.stringify(record)}\n`;
  } catch (error) {
    throw new ResilienceArgumentError(
      `a record is not JSON: ${error instanceof Error ? error.message : 'unknown'}`,
      {},
    );
  }
}

/**
 * The record in a line of a JSON lines file.
 *
 * @throws ResilienceError `ERR_VGPU_RESILIENCE_RECORD` for anything else, such as a line that a crash cut short
 */
export function parseRecord(line: string): TelemetryRecord {
  try {
    return telemetryRecordSchema.parse(JSON.parse(line));
  } catch (error) {
    const reason = error instanceof z.ZodError ? z.prettifyError(error) : 'not JSON';
    throw new ResilienceError('ERR_VGPU_RESILIENCE_RECORD', `not a telemetry record: ${reason}`, {
      cause: error,
      remedy: 'Skip the line.',
    });
  }
}
