// Numbers that go with arrays.
import type { ElementType } from './arrays.js';
import { argumentError } from './errors.js';

/** @throws ComputeError ERR_VGPU_COMPUTE_ARGUMENT unless it is a number, or for 64-bit integers a bigint in their range */
export function checkScalar(value: number | bigint, type: ElementType, name: string): void {
  if (type !== 'i64' && type !== 'u64') {
    if (typeof value === 'number') return;
    throw argumentError(`${name} is ${String(value)}, not a number`, { name });
  }
  const narrowed = type === 'i64' ? BigInt.asIntN : BigInt.asUintN;
  if (typeof value === 'bigint' && narrowed(64, value) === value) return;
  throw argumentError(`${name} is ${String(value)}, not a bigint that ${type} can hold`, { name });
}
