// What results are called, for people who read traces and logs.
import { cublasStatuses } from './abi/blas-constants.js';
import { driverConstants } from './abi/driver-constants.js';
import { nvmlReturns } from './abi/nvml-constants.js';
import { runtimeConstants } from './abi/runtime-constants.js';
import type { CallEntry } from './schema.js';

const valuesOf = (entries: Readonly<Record<string, { readonly value: number }>>): Map<number, string> =>
  new Map(Object.entries(entries).map(([name, { value }]) => [value, name]));
const numbersOf = (entries: Readonly<Record<string, number>>): Map<number, string> =>
  new Map(Object.entries(entries).map(([name, value]) => [value, name]));

const names: Readonly<Record<Exclude<CallEntry['api'], 'internal'>, ReadonlyMap<number, string>>> = {
  driver: numbersOf(driverConstants.CUresult),
  runtime: numbersOf(runtimeConstants.cudaError),
  nvml: valuesOf(nvmlReturns),
  cublas: valuesOf(cublasStatuses),
};

/** "CUDA_ERROR_OUT_OF_MEMORY" for ('driver', 2); undefined for a number that the API does not have. */
export function resultName(api: Exclude<CallEntry['api'], 'internal'>, code: number): string | undefined {
  return names[api].get(code);
}
