// To NumPy's .npy, streamed.
import {
  encodeNpyHeader,
  type NpyDtype,
  type NpyVersion,
  npyDataBytes,
  shapeOf,
  writeElement,
} from '@vgpu/format';
import { replaceFileAsync } from '@vgpu/mmap-native';
import { ArrayError, checkAborted } from './errors.js';
import { refuseExisting, replacing } from './new-file.js';
import type { LongOptions } from './options.js';
import { PersistentArray } from './persistent-array.js';
import { changed } from './refusals.js';
import { bytesOf } from './stored-view.js';

export interface ExportOptions extends LongOptions {
  /** Put the new file in the place of one that is there. Off unless said otherwise. */
  readonly replace?: boolean | undefined;
  /** Of the .npy format; 1 unless said otherwise, which every reader understands. */
  readonly version?: NpyVersion | undefined;
}

const pieceBytes = 4 * 1024 * 1024;

/**
 * Writes the values as a dense .npy file, of any size: every structure written out, every view applied. NumPy has no
 * cf16, so those become cf32. A vector has one dimension unless it is transposed. The file appears whole or not at all.
 * @throws ArrayError ERR_VGPU_ARRAY_DRAFT_OPEN during an update, _EXISTS, _ABORTED
 * @throws MmapError ERR_VGPU_MMAP_NO_SPACE, _ACCESS
 */
export async function exportNpy(
  source: string | PersistentArray,
  npyPath: string,
  options: ExportOptions = {},
): Promise<void> {
  if (typeof source !== 'string') return await exportArray(source, npyPath, options);
  const array = await PersistentArray.open(source);
  try {
    await exportArray(array, npyPath, options);
  } finally {
    await array.close();
  }
}

async function exportArray(array: PersistentArray, npyPath: string, options: ExportOptions): Promise<void> {
  const { signal, onProgress, version = 1 } = options;
  checkAborted(signal);
  if (array.updating) {
    throw new ArrayError('ERR_VGPU_ARRAY_DRAFT_OPEN', 'an update is open', {
      remedy: 'Call commit() or rollback() first.',
    });
  }
  const { generation } = array;
  const dtype: NpyDtype = array.dtype === 'cf16' ? 'cf32' : array.dtype;
  const shape = shapeOf(array.descriptor, array);
  const header = encodeNpyHeader({ dtype, shape, version });
  const length = npyDataBytes(dtype, shape);
  await replacing(npyPath, options, () =>
    replaceFileAsync(
      npyPath,
      async (file) => {
        await file.writeAsync(0, header);
        let done = 0;
        for await (const bytes of isStoredAsItIs(array)
          ? storedPieces(array, signal)
          : valuePieces(array, dtype)) {
          checkAborted(signal);
          if (array.updating || array.generation !== generation) throw changed(array.path, 'the export');
          await file.writeAsync(header.length + done, bytes);
          done += bytes.length;
          onProgress?.(done, length);
        }
        if (done !== length) throw new Error(`unreachable: ${done} of ${length} bytes were made`);
        refuseExisting(npyPath, options);
      },
      { size: header.length + length, ...(signal === undefined ? {} : { signal }) },
    ),
  );
}

/** True when the payload is what a .npy file has after its header. */
function isStoredAsItIs({ descriptor }: PersistentArray): boolean {
  if (descriptor.structure !== 'dense' && descriptor.structure !== 'vector') return false;
  const { dtype, view } = descriptor;
  const plain = !view.transposed && !view.conjugated && view.scalar.re === 1 && view.scalar.im === 0;
  return plain && dtype !== 'bit' && dtype !== 'cf16';
}

async function* storedPieces(
  array: PersistentArray,
  signal: AbortSignal | undefined,
): AsyncGenerator<Uint8Array> {
  for await (const { values } of array.blocks({ blockBytes: pieceBytes, signal })) yield* bytesOf(values);
}

function* valuePieces(array: PersistentArray, dtype: NpyDtype): Generator<Uint8Array> {
  const { rows, columns } = array;
  const elementBytes = npyDataBytes(dtype, [1]);
  const bytes = new Uint8Array(Math.min(pieceBytes, rows * columns * elementBytes));
  const view = new DataView(bytes.buffer);
  let used = 0;
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      writeElement(view, used, dtype === 'bit' ? 'u8' : dtype, array.get(row, column));
      used += elementBytes;
      if (used < bytes.length) continue;
      yield bytes;
      used = 0;
    }
  }
  if (used > 0) yield bytes.subarray(0, used);
}
