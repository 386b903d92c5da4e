// The order in which sorting puts keys, and where a key belongs in it.
import type { NumericArray } from '../arrays.js';

type Key = number | bigint;

/** Numbers, −0 before +0, then NaN. Negative where `one` comes first. */
export function compareKeys(one: Key, other: Key): number {
  if (one < other) return -1;
  if (one > other) return 1;
  if (one === other)
    return one === 0 && other === 0 ? Number(isNegativeZero(other)) - Number(isNegativeZero(one)) : 0;
  return Number(Number.isNaN(one)) - Number(Number.isNaN(other));
}

/** How many of the sorted keys come before `key`, with those that are equal (`through`) or without. */
export function countBefore(
  keys: NumericArray,
  key: Key,
  compare: typeof compareKeys,
  equal: 'through' | 'without',
): number {
  let [low, high] = [0, keys.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    const order = compare(keys[middle] ?? 0, key);
    if (order < 0 || (order === 0 && equal === 'through')) low = middle + 1;
    else high = middle;
  }
  return low;
}

function isNegativeZero(value: Key): boolean {
  return Object.is(value, -0);
}
