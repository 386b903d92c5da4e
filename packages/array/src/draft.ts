// The version being written: where its payload lies, and what of it was touched.
import { type Extent, type MetadataMap, payloadAlignment, placeExtent } from '@vgpu/format';
import { type MappedFile, pageSize } from '@vgpu/mmap-native';
import { addBytes, type Checksum, emptyChecksum, withChecksum, zeroChecksum } from './checksum.js';
import { abortable, checkAborted } from './errors.js';
import type { LongOptions } from './options.js';
import { extent, publish, punch } from './publish.js';
import { readAhead } from './reading.js';
import { TouchedChunks } from './touched.js';
import { extentsOf, type Version } from './version.js';

export interface Draft {
  readonly mode: 'atomic' | 'in-place';
  readonly payload: Extent;
  readonly touched: TouchedChunks;
  /** Of the payload as the draft began; the touched chunks are recomputed at commit. */
  readonly checksum: Checksum;
  /** True when the payload is another one than that of the last commit, even if nothing is touched. */
  readonly differs: boolean;
  /** What the file's size was. */
  readonly fileBytes: number;
}

export interface BeginOptions {
  /** False: the draft starts as zeros instead of a copy, which costs no reading and no writing. Atomic updates only. */
  readonly copy?: boolean | undefined;
  /** Stops the copying. The array stays as it was. */
  readonly signal?: AbortSignal | undefined;
}

/** Space for a new payload beside the old one, and the old one's bytes or zeros in it. */
export async function beginAtomic(
  file: MappedFile,
  version: Version,
  { copy = true, signal }: BeginOptions,
): Promise<Draft> {
  checkAborted(signal);
  const { length } = version.payload;
  const fileBytes = file.size;
  const payload = placeExtent(extentsOf(version.header).map(extent), length, payloadAlignment);
  const { checksum, known } = copy
    ? presentChecksum(version)
    : { checksum: zeroChecksum(length), known: true };
  const touched = new TouchedChunks(checksum.chunkBytes, checksum.values.length);
  if (!known) touched.includeAll();
  const differs = !copy || !version.committed;
  const draft: Draft = { mode: 'atomic', payload, touched, checksum, differs, fileBytes };
  try {
    if (length > 0) await file.reserveAsync(payload.offset, length);
    if (copy) {
      const options = signal === undefined ? {} : { signal };
      if (length > 0) {
        await abortable(() => file.copyWithinAsync(version.payload.offset, payload.offset, length, options));
      }
    } else if (payload.offset < fileBytes) {
      // An interrupted writer may have left something there.
      await clear(file, payload.offset, length);
    }
    checkAborted(signal);
    return draft;
  } catch (error) {
    await dropAtomic(file, draft);
    throw error;
  }
}

/** Marks the file as uncommitted, in both slots, before the first byte can change. */
export async function beginInPlace(
  file: MappedFile,
  version: Version,
  { signal }: BeginOptions,
): Promise<{ draft: Draft; version: Version }> {
  checkAborted(signal);
  const { checksum, known } = presentChecksum(version);
  const touched = new TouchedChunks(checksum.chunkBytes, checksum.values.length);
  if (!known) touched.includeAll();
  const { descriptor, metadata, payload, header } = version;
  const dirty = await publish(file, version, {
    descriptor,
    metadata,
    payload,
    hot: header.slot.hot,
    committed: false,
  });
  const draft = {
    mode: 'in-place',
    payload: extent(payload),
    touched,
    checksum,
    differs: !version.committed,
    fileBytes: file.size,
  } as const;
  return { draft, version: dirty };
}

/** After an interrupted update the checksum is that of the values before it. */
function presentChecksum({ checksum, payload, committed }: Version): { checksum: Checksum; known: boolean } {
  if (checksum.kind !== 'crc32' || !committed)
    return { checksum: emptyChecksum(payload.length), known: false };
  const { chunkBytes, values } = checksum;
  return { checksum: { chunkBytes, values: values.slice() }, known: true };
}

/** Makes a range zero. */
async function clear(file: MappedFile, offset: number, length: number): Promise<void> {
  // Holes are whole pages: the edges, or all where there are no holes, are overwritten.
  const edge = Math.min(pageSize(), length);
  const step = punch(file, offset, length) ? Math.max(length - edge, 1) : edge;
  const zeros = new Uint8Array(edge);
  for (let done = 0; done < length; done += step) {
    await file.writeAsync(offset + Math.min(done, length - edge), zeros);
  }
}

/** Gives the draft's space back, and leaves the file as it was. */
export async function dropAtomic(file: MappedFile, { payload, fileBytes }: Draft): Promise<void> {
  if (file.size > fileBytes) file.resize(fileBytes);
  const inside = Math.min(payload.length, fileBytes - payload.offset);
  if (inside > 0) await clear(file, payload.offset, inside);
}

/** `metadata` with the draft's checksum, for which the touched chunks are read. */
export async function draftMetadata(
  file: MappedFile,
  draft: Pick<Draft, 'payload' | 'checksum' | 'touched'>,
  metadata: MetadataMap,
  { signal, onProgress }: LongOptions,
): Promise<MetadataMap> {
  const { payload, checksum, touched } = draft;
  const chunks = touched.indices();
  const values = checksum.values.slice();
  const ranges = chunks.map((chunk) => {
    values[chunk] = 0;
    const offset = chunk * checksum.chunkBytes;
    const length = Math.min(checksum.chunkBytes, payload.length - offset);
    return { offset: payload.offset + offset, length };
  });
  const total = ranges.reduce((sum, { length }) => sum + length, 0);
  const next = { chunkBytes: checksum.chunkBytes, values };
  let done = 0;
  for await (const { offset, bytes } of readAhead(file, ranges, signal)) {
    addBytes(next, offset - payload.offset, bytes);
    done += bytes.length;
    onProgress?.(done, total);
  }
  return withChecksum(metadata, next);
}
