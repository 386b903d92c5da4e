// The checksum of a payload: a CRC-32 for each chunk, so that a small change costs little and damage has a place.
import { crc32 } from 'node:zlib';
import { InvalidFileFormatError, type MetadataMap, type MetadataValue, meta, plain } from '@vgpu/format';
import { z } from 'zod';

export interface Checksum {
  readonly chunkBytes: number;
  /** One CRC-32 per chunk; the last chunk may be shorter. */
  readonly values: Uint32Array;
}

const smallestChunkBytes = 4 * 1024 * 1024;
/** Keeps the metadata below 4 MiB for the largest payload. */
const maximumChunks = 2 ** 20;

export function chunkBytesFor(payloadBytes: number): number {
  let bytes = smallestChunkBytes;
  while (payloadBytes / bytes > maximumChunks) bytes *= 2;
  return bytes;
}

export function emptyChecksum(payloadBytes: number): Checksum {
  const chunkBytes = chunkBytesFor(payloadBytes);
  return { chunkBytes, values: new Uint32Array(Math.ceil(payloadBytes / chunkBytes)) };
}

/** That of a payload of zeros, which need not be read for it. */
export function zeroChecksum(payloadBytes: number): Checksum {
  const checksum = emptyChecksum(payloadBytes);
  const { chunkBytes, values } = checksum;
  const last = values.length - 1;
  if (last > 0) values.fill(crcOfZeros(chunkBytes));
  if (last >= 0) values[last] = crcOfZeros(payloadBytes - last * chunkBytes);
  return checksum;
}

const zeros = new Uint8Array(64 * 1024);

function crcOfZeros(length: number): number {
  let value = 0;
  for (let done = 0; done < length; done += zeros.length) {
    value = crc32(zeros.subarray(0, Math.min(zeros.length, length - done)), value);
  }
  return value;
}

/** Continues the checksum with the bytes at `offset` of the payload; those of a chunk come in order. */
export function addBytes({ chunkBytes, values }: Checksum, offset: number, bytes: Uint8Array): void {
  let done = 0;
  while (done < bytes.length) {
    const chunk = Math.floor((offset + done) / chunkBytes);
    const length = Math.min((chunk + 1) * chunkBytes - offset - done, bytes.length - done);
    values[chunk] = crc32(bytes.subarray(done, done + length), values[chunk]);
    done += length;
  }
}

const fileSchema = z.object({
  vgpu: z
    .object({
      checksum: z
        .object({
          algorithm: z.string(),
          chunk_bytes: z.bigint().min(1n).max(BigInt(Number.MAX_SAFE_INTEGER)).transform(Number),
          values: z.instanceof(Uint8Array),
        })
        .optional(),
    })
    .optional(),
});

/** What a file says about its checksum: none, one that this version does not know, or the values. */
export type FileChecksum =
  | { readonly kind: 'none' }
  | { readonly kind: 'unknown'; readonly algorithm: string }
  | ({ readonly kind: 'crc32' } & Checksum);

/** @throws InvalidFileFormatError bad-metadata when there is a checksum that fits no payload of this length */
export function decodeChecksum(metadata: MetadataMap, payloadBytes: number, offset: number): FileChecksum {
  const vgpu = metadata.get('vgpu');
  if (vgpu === undefined) return { kind: 'none' };
  const parsed = fileSchema.safeParse({ vgpu: plain(vgpu) });
  if (!parsed.success) throw badChecksum(offset, parsed.error.issues[0]?.message ?? 'malformed');
  const found = parsed.data.vgpu?.checksum;
  if (found === undefined) return { kind: 'none' };
  if (found.algorithm !== 'crc32') return { kind: 'unknown', algorithm: found.algorithm };
  const chunks = Math.ceil(payloadBytes / found.chunk_bytes);
  if (found.values.length !== chunks * 4)
    throw badChecksum(offset, `${found.values.length} bytes for ${chunks} chunks`);
  const view = new DataView(found.values.buffer, found.values.byteOffset, found.values.byteLength);
  const values = Uint32Array.from({ length: chunks }, (_, index) => view.getUint32(index * 4, true));
  return { kind: 'crc32', chunkBytes: found.chunk_bytes, values };
}

function badChecksum(offset: number, found: string): InvalidFileFormatError {
  return new InvalidFileFormatError('bad-metadata', 'the checksum in the metadata', {
    offset,
    found,
    expected: 'algorithm, chunk_bytes and 4 bytes for each chunk',
  });
}

/** The metadata with the checksum in place of any other. */
export function withChecksum(metadata: MetadataMap, { chunkBytes, values }: Checksum): MetadataMap {
  const bytes = new Uint8Array(values.length * 4);
  const view = new DataView(bytes.buffer);
  for (const [index, value] of values.entries()) view.setUint32(index * 4, value, true);
  const present = metadata.get('vgpu');
  const vgpu = new Map(present?.type === 'map' ? present.value : []);
  const checksum: Record<string, MetadataValue> = {
    algorithm: meta.string('crc32'),
    chunk_bytes: meta.u64(chunkBytes),
    values: meta.bytes(bytes),
  };
  vgpu.set('checksum', meta.map(checksum));
  return new Map([...metadata, ['vgpu', { type: 'map', value: vgpu }]]);
}
