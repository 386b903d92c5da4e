import type { ArrayDescriptor } from '@vgpu/format';
import { formatCount } from '../output/bytes.js';

/** "3 x 5 dense f64, transposed, times 2": of the stored array, then what the view makes of it. */
export function describeArray(descriptor: ArrayDescriptor): string {
  const { structure, rows, columns, view } = descriptor;
  const isVector = structure === 'vector' || structure === 'unit-vector';
  const shape = isVector ? formatCount(rows) : `${formatCount(rows)} x ${formatCount(columns)}`;
  const dtype = structure === 'block' ? '' : ` ${descriptor.dtype}`;
  const { re, im } = view.scalar;
  const parts = [
    `${shape} ${structure}${dtype}`,
    ...(structure === 'triangular'
      ? [descriptor.diagonal ? 'with its diagonal' : 'without its diagonal']
      : []),
    ...(structure === 'unit-vector' ? [`one at ${formatCount(descriptor.index)}`] : []),
    ...(view.transposed ? ['transposed'] : []),
    ...(view.conjugated ? ['conjugated'] : []),
    ...(re === 1 && im === 0 ? [] : [`times ${im === 0 ? re : `(${re} + ${im}i)`}`]),
  ];
  return parts.join(', ');
}
