// The numbers in a record, for systems that keep numbers.
import type { TelemetryRecord } from './record.js';

export interface MetricDefinition {
  readonly type: 'counter' | 'gauge' | 'histogram';
  /** As in UCUM. */
  readonly unit: string;
  readonly description: string;
}

export const metrics = {
  vgpu_kernel_runs: { type: 'counter', unit: '1', description: 'Runs of kernels.' },
  vgpu_kernel_duration_seconds: { type: 'histogram', unit: 's', description: 'How long kernels ran.' },
  vgpu_kernel_errors: { type: 'counter', unit: '1', description: 'Errors of kernels.' },
  vgpu_kernel_recovery_attempts: {
    type: 'counter',
    unit: '1',
    description: 'Attempts to recover from errors.',
  },
  vgpu_kernel_anomalies: {
    type: 'counter',
    unit: '1',
    description: 'Runs that took unusually long or short.',
  },
  vgpu_gpu_memory_allocated_bytes: { type: 'gauge', unit: 'By', description: 'Allocated memory of the GPU.' },
  vgpu_gpu_utilization_ratio: { type: 'gauge', unit: '1', description: 'Utilisation of the GPU, 0 to 1.' },
  vgpu_fallbacks: { type: 'counter', unit: '1', description: 'Operations that went to the CPU.' },
  vgpu_breaker_changes: { type: 'counter', unit: '1', description: 'Changes of the circuit breaker.' },
  vgpu_telemetry_dropped: { type: 'counter', unit: '1', description: 'Telemetry records that were dropped.' },
} as const satisfies Record<string, MetricDefinition>;

/** Upper bounds of the buckets of histograms, which are all of durations in seconds. */
export const bucketBounds = [1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 0.1, 1, 10] as const;

export type MetricName = keyof typeof metrics;

export interface Measurement {
  readonly metric: MetricName;
  readonly value: number;
  readonly attributes: Readonly<Record<string, string>>;
}

/** All numbers that a record holds; none for what is `null`. */
export function measurementsOf(record: TelemetryRecord): Measurement[] {
  return record.gpu_metrics === null ? eventMeasurements(record) : kernelMeasurements(record.gpu_metrics);
}

function kernelMeasurements(seen: NonNullable<TelemetryRecord['gpu_metrics']>): Measurement[] {
  const kernel = { kernel: seen.kernel_name ?? 'unknown' };
  const list: Measurement[] = [];
  const add = (
    metric: MetricName,
    value: number | null,
    scale = 1,
    attributes: Record<string, string> = kernel,
  ) => {
    if (value !== null) list.push({ metric, value: value * scale, attributes });
  };
  add('vgpu_kernel_runs', seen.kernel_name === null ? null : 1);
  add('vgpu_kernel_duration_seconds', seen.execution_time_us, 1e-6);
  add('vgpu_kernel_errors', seen.error_count);
  add('vgpu_kernel_recovery_attempts', seen.recovery_attempts);
  add('vgpu_kernel_anomalies', seen.performance_anomaly === null ? null : Number(seen.performance_anomaly));
  add('vgpu_gpu_memory_allocated_bytes', seen.memory_allocated_mb, 1e6, {});
  add('vgpu_gpu_utilization_ratio', seen.gpu_utilization_percent, 0.01, {});
  return list;
}

function eventMeasurements({ metadata }: TelemetryRecord): Measurement[] {
  const text = (key: string): string => String(metadata[key] ?? 'unknown');
  switch (metadata.event) {
    case 'fallback':
      return [
        {
          metric: 'vgpu_fallbacks',
          value: 1,
          attributes: { code: text('code'), kind: text('kind'), scope: text('scope') },
        },
      ];
    case 'breaker':
      // Without `from`: the state that a report began with, which is no change.
      if (metadata.from === null) return [];
      return [{ metric: 'vgpu_breaker_changes', value: 1, attributes: { to: text('to') } }];
    case 'telemetry-dropped': {
      const value = Number(metadata.dropped);
      return Number.isFinite(value)
        ? [{ metric: 'vgpu_telemetry_dropped', value, attributes: { sink: text('sink') } }]
        : [];
    }
    default:
      return [];
  }
}
