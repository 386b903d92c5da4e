export type { CreateOptions, NewArray, OpenOptions, UpdateMode } from './array-options.js';
export type { BlockPlace } from './blocks-plan.js';
export type { CommitOptions } from './commit.js';
export {
  type DiagnosedVersion,
  type DiagnoseOptions,
  type Diagnosis,
  diagnose,
  type RepairAction,
} from './diagnose.js';
export type { BeginOptions } from './draft.js';
export { ArrayError, type ArrayErrorCode, isArrayError } from './errors.js';
export type { ValueAt } from './fill.js';
export type { NewFileOptions } from './new-file.js';
export { type ExportOptions, exportNpy } from './npy-export.js';
export { type ImportOptions, importNpy } from './npy-import.js';
export type { LongOptions } from './options.js';
export { PersistentArray } from './persistent-array.js';
export type { Range } from './reading.js';
export { type RepairOptions, type RepairReport, repair } from './repair.js';
export type { PlanarView, StoredArray, StoredView } from './stored-view.js';
export type { Block, BlocksOptions } from './streaming.js';
export type { DamagedChunk, VerifyReport } from './verify.js';
