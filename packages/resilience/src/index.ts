export { type Anomaly, AnomalyDetector, type AnomalyOptions } from './anomaly.js';
export {
  BulkheadFullError,
  DeadlineExceededError,
  type ErrorValue,
  GpuError,
  InputsTouchedError,
  isGpuError,
  isResilienceError,
  ResilienceArgumentError,
  ResilienceError,
  type ResilienceErrorCode,
  type ResilienceErrorOptions,
} from './errors.js';
export {
  type Condition,
  type CudaFaultRow,
  conditionFaults,
  cudaFaults,
  type Fault,
  type FaultKind,
  type FaultSource,
  type XidRow,
  xidFaults,
} from './fault-table.js';
export {
  conditionFault,
  driverFault,
  type FallbackScope,
  type FaultAction,
  faultActions,
  faultDuringProbe,
  faultOf,
  runtimeFault,
  xidFault,
} from './faults.js';
export type { OperationContext } from './call-limit.js';
export {
  type Admission,
  type BreakerEvent,
  type BreakerStatus,
  CircuitBreaker,
  type CircuitBreakerOptions,
} from './circuit-breaker.js';
export type { Subscription } from './emitter.js';
export type { SavedBreaker } from './saved-breaker.js';
export {
  type BulkheadLimits,
  type FallbackCause,
  type FallbackEvent,
  FallbackSession,
  type FallbackSessionOptions,
  type RetryOptions,
} from './fallback-session.js';
export {
  type FallbackCallOptions,
  type FallbackOperation,
  type FallbackResult,
  withFallback,
} from './with-fallback.js';
export type { SinkStatistics, TelemetrySink } from './telemetry/channel.js';
export { type OpenTelemetryMeter, openTelemetrySink } from './telemetry/open-telemetry.js';
export { PrometheusSink } from './telemetry/prometheus.js';
export {
  encodeRecord,
  eventRecord,
  type GpuMetrics,
  kernelRecord,
  type NewRecord,
  parseRecord,
  type TelemetryRecord,
} from './telemetry/record.js';
export { reportSession } from './telemetry/report.js';
export { Telemetry, type TelemetryOptions } from './telemetry/telemetry.js';
