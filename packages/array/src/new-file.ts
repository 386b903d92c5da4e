// A new file, whole or not at all.
import { existsSync } from 'node:fs';
import {
  type ArrayDescriptor,
  encodeMetadata,
  type MetadataMap,
  metadataFor,
  payloadLayout,
  planContainer,
} from '@vgpu/format';
import { MappedFile, replaceFileAsync } from '@vgpu/mmap-native';
import { addBytes, type Checksum, emptyChecksum, withChecksum, zeroChecksum } from './checksum.js';
import { ArrayError, abortable, checkAborted } from './errors.js';
import type { LongOptions } from './options.js';

export interface NewFileOptions extends LongOptions {
  /** Put the new file in the place of one that is there. Off unless said otherwise. */
  readonly replace?: boolean | undefined;
  /**
   * Take the disk space at once, so that a full disk is an error now. Without it the file has holes until they are
   * written to, and a full disk then ends in ERR_VGPU_MMAP_FAULTED. On unless said otherwise.
   */
  readonly reserve?: boolean | undefined;
  /** Further metadata, such as `properties`. What the descriptor says takes precedence. */
  readonly metadata?: MetadataMap | undefined;
}

type Pieces = AsyncIterable<Uint8Array> | Iterable<Uint8Array>;

/** `pieces` make up the payload from its first byte to its last; without them it is zero. */
export async function writeNewFile(
  path: string,
  descriptor: ArrayDescriptor,
  pieces: Pieces | undefined,
  options: NewFileOptions,
): Promise<void> {
  const { reserve = true, metadata = new Map(), signal } = options;
  const { byteLength } = payloadLayout(
    descriptor.structure === 'block' ? { ...descriptor, dtype: 'f64' } : descriptor,
  );
  const encode = (checksum: Checksum) =>
    encodeMetadata(metadataFor(descriptor, withChecksum(metadata, checksum)));
  // The values come later and take the same number of bytes.
  const plan = planContainer(byteLength, encode(emptyChecksum(byteLength)).length);
  await replacing(path, options, () =>
    replaceFileAsync(
      path,
      async (file) => {
        const { payload, metadata: place } = plan.slot;
        const checksum =
          pieces === undefined
            ? zeroChecksum(byteLength)
            : await writePayload(file, payload.offset, byteLength, pieces, options);
        await file.writeAsync(place.offset, encode(checksum));
        await file.writeAsync(0, plan.header);
        refuseExisting(path, options);
      },
      { size: plan.fileBytes, reserve, ...(signal === undefined ? {} : { signal }) },
    ),
  );
}

/**
 * Runs `write`, which puts a new file at `path`. Whoever has the present one open keeps it from being replaced: a
 * writer's next commit would be lost, and readers would go on with a file that has no name.
 */
export async function replacing(
  path: string,
  options: Pick<NewFileOptions, 'replace'>,
  write: () => Promise<void>,
): Promise<void> {
  refuseExisting(path, options);
  const present = existsSync(path)
    ? await MappedFile.openAsync(path, { access: 'read-write', lock: 'exclusive' })
    : undefined;
  try {
    await abortable(write);
  } finally {
    present?.close();
  }
}

/** Looked at again just before the new file takes its name; a file that comes in the instant after it is replaced. */
export function refuseExisting(path: string, { replace = false }: Pick<NewFileOptions, 'replace'>): void {
  if (replace || !existsSync(path)) return;
  throw new ArrayError('ERR_VGPU_ARRAY_EXISTS', `${path} exists already`, {
    values: { path },
    remedy: 'Choose another path, or set the option `replace`.',
  });
}

async function writePayload(
  file: MappedFile,
  start: number,
  length: number,
  pieces: Pieces,
  { signal, onProgress }: LongOptions,
): Promise<Checksum> {
  const checksum = emptyChecksum(length);
  let done = 0;
  for await (const bytes of pieces) {
    checkAborted(signal);
    const written = file.writeAsync(start + done, bytes);
    // Awaited below: the checksum is computed while the bytes are on their way.
    written.catch(() => {});
    addBytes(checksum, done, bytes);
    await written;
    done += bytes.length;
    onProgress?.(done, length);
  }
  if (done !== length) throw new Error(`unreachable: ${done} of ${length} payload bytes were made`);
  return checksum;
}
