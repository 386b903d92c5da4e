export { fileTelemetry, telemetryFolder } from './file-telemetry.js';
export {
  type PessimisticProbeOptions,
  type ProbeOutcome,
  type ProbeResult,
  pessimisticProbe,
} from './pessimistic-probe.js';
export { type RotatingFileOptions, RotatingFileSink } from './rotating-file-sink.js';
