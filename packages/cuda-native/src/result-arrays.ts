// The arrays that operations return.
import {
  type ArrayOf,
  arrayOver,
  type ElementType,
  elementBytes,
  newArray,
  orOutOfMemory,
} from './arrays.js';
import { native } from './native.js';

/** Two large pages of common processors. */
const largeBytes = 2 ** 22;

/**
 * Holds anything: for results of which every element is written. The system takes longer to clear the pages of a large array than
 * a simple operation takes to fill it, and less in large pages.
 *
 * @throws ComputeError ERR_VGPU_COMPUTE_OUT_OF_MEMORY, or ERR_VGPU_COMPUTE_ARGUMENT for a type that does not exist
 */
export function newResult<Type extends ElementType>(type: Type, count: number): ArrayOf[Type] {
  const bytes = count * elementBytes(type);
  if (!(bytes >= largeBytes)) return newArray(type, count);
  return orOutOfMemory(type, count, () => {
    const { buffer } = Buffer.allocUnsafeSlow(bytes);
    native().preferLargePages(buffer);
    return arrayOver(type, buffer);
  });
}
