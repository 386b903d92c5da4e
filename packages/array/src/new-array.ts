// A new array: its descriptor and values checked, then written as a file.
import { parseDescriptor, payloadLayout } from '@vgpu/format';
import { type CreateOptions, type NewArray, newUuid } from './array-options.js';
import { BlockMatrix } from './block-matrix.js';
import { ArrayError, checkAborted } from './errors.js';
import { checkStructure, payloadPieces } from './fill.js';
import { writeNewFile } from './new-file.js';

export async function writeNewArray(path: string, array: NewArray, options: CreateOptions): Promise<void> {
  const { values, storedOnly = false, signal } = options;
  const payloadUuid = array.payloadUuid ?? newUuid();
  const descriptor = parseDescriptor({ ...array, payloadUuid });
  checkAborted(signal);
  let pieces: Iterable<Uint8Array> | undefined;
  if (descriptor.structure === 'block') {
    if (values !== undefined) {
      throw new ArrayError('ERR_VGPU_ARRAY_STRUCTURE', 'a block matrix stores no values: its blocks do');
    }
    (await BlockMatrix.open(path, descriptor)).close();
  } else if (values !== undefined) {
    const layout = payloadLayout(descriptor);
    if (!storedOnly) await checkStructure(descriptor, layout, values, signal);
    pieces = payloadPieces(descriptor, layout, values);
  }
  await writeNewFile(path, descriptor, pieces, options);
}
