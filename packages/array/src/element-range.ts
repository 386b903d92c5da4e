// Where elements lie in a payload that has no gaps.
import type { PayloadLayout, PlainDescriptor } from '@vgpu/format';
import { ArrayError } from './errors.js';
import type { Range } from './reading.js';

const withoutGaps: ReadonlySet<PlainDescriptor['structure']> = new Set(['dense', 'vector', 'diagonal']);

/**
 * In each plane.
 * @throws ArrayError ERR_VGPU_ARRAY_STRUCTURE where rows are padded, ERR_VGPU_ARRAY_RANGE
 */
export function elementRange(
  { structure, dtype }: PlainDescriptor,
  { planeBytes, bitsPerElement }: PayloadLayout,
  first: number,
  count: number,
): Range {
  if (!withoutGaps.has(structure) || bitsPerElement < 8) {
    throw new ArrayError('ERR_VGPU_ARRAY_STRUCTURE', `rows of a ${structure} array of ${dtype} are padded`, {
      values: { structure, dtype },
      remedy: 'Take whole rows, with block() or blocks().',
    });
  }
  const elementBytes = bitsPerElement / 8;
  const total = planeBytes / elementBytes;
  const isCount = (value: number) => Number.isSafeInteger(value) && value >= 0;
  if (!isCount(first) || !isCount(count) || first + count > total) {
    throw new ArrayError('ERR_VGPU_ARRAY_RANGE', `there are no ${count} elements from ${first} of ${total}`, {
      values: { first, count, elements: total },
    });
  }
  return { offset: first * elementBytes, length: count * elementBytes };
}
