export type {
  ArrayOf,
  ElementType,
  FloatArray,
  Integer32Array,
  Integer64Array,
  NumericArray,
  ScalarOf,
} from './arrays.js';
export {
  CapacityError,
  ComputeError,
  type ComputeErrorCode,
  type ComputeErrorOptions,
  type ComputeErrorValue,
  type ComputeFailure,
  isComputeError,
} from './errors.js';
export type { BreakerOptions } from './gpu-runner.js';
export type { Matrix } from './matrix.js';
export type { MatrixBatch } from './operations/batches.js';
export type { BitMatrix } from './operations/bit-matrices.js';
export type { HalfArray } from './operations/elementwise.js';
export type { ForceLayoutOptions, SpatialGrid, SpatialGridOptions } from './operations/layouts.js';
export type { DistanceOptions, Metric, Neighbours } from './operations/neighbours.js';
export type {
  HistogramOptions,
  MatrixOptions,
  OutputOptions,
  SortOptions,
  SortPairsOptions,
  VectorOptions,
} from './options.js';
export type { ComputeResult, OperationOptions, SessionOptions } from './runner.js';
export { type ComputeSession, createSession } from './session.js';
