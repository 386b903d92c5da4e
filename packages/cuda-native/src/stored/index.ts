export { add, axpy, cast, div, fill, mul, scale, sub } from './elementwise.js';
export { matmul, matvec } from './matmul.js';
export { nearestNeighbours, type StoredNeighbours } from './neighbours.js';
export type { ResumeOptions } from './output.js';
export { dot, histogram, max, mean, min, norm, sum, topK } from './reduce.js';
export type { StoredOptions, StoredResult } from './run.js';
export { type StoredSortOptions, sort, sortPairs } from './sort.js';
export type { StoredArray, StoredOutput, StoredType } from './stored-array.js';
