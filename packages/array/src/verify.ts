// Comparing a payload with its checksum.
import type { PayloadLayout } from '@vgpu/format';
import type { MappedFile } from '@vgpu/mmap-native';
import { addBytes, emptyChecksum } from './checksum.js';
import { ArrayError } from './errors.js';
import type { LongOptions } from './options.js';
import { readAhead } from './reading.js';
import type { Version } from './version.js';

export interface DamagedChunk {
  readonly chunk: number;
  /** In the file, in bytes. */
  readonly offset: number;
  readonly length: number;
  /** Stored rows that lie in it, wholly or in part; two runs where real and imaginary parts lie apart. */
  readonly rows: readonly { readonly first: number; readonly last: number }[];
  readonly expected: number;
  readonly found: number;
}

export interface VerifyReport {
  /** `none` in files of other programs, `unknown` for one of a later version: then only readability was verified. */
  readonly checksum: 'crc32' | 'none' | 'unknown';
  readonly payloadBytes: number;
  /** 0 without a checksum. */
  readonly chunks: number;
  readonly damaged: readonly DamagedChunk[];
  /** Why the array must not be trusted; undefined when nothing is wrong. */
  readonly error: ArrayError | undefined;
}

/** Reads the whole payload. Header and metadata have checksums of their own, which were verified on opening. */
export async function verifyPayload(
  file: MappedFile,
  version: Version,
  { signal, onProgress }: LongOptions,
): Promise<VerifyReport> {
  const { payload, checksum, layout } = version;
  const known = checksum.kind === 'crc32';
  const found = known
    ? { chunkBytes: checksum.chunkBytes, values: new Uint32Array(checksum.values.length) }
    : emptyChecksum(payload.length);
  let done = 0;
  for await (const { offset, bytes } of readAhead(file, [payload], signal)) {
    addBytes(found, offset - payload.offset, bytes);
    done += bytes.length;
    onProgress?.(done, payload.length);
  }
  const damaged: DamagedChunk[] = [];
  if (known) {
    for (const [chunk, expected] of checksum.values.entries()) {
      const actual = found.values[chunk] ?? 0;
      if (actual === expected) continue;
      const start = chunk * checksum.chunkBytes;
      const length = Math.min(checksum.chunkBytes, payload.length - start);
      damaged.push({
        chunk,
        offset: payload.offset + start,
        length,
        rows: rowsIn(layout, start, start + length),
        expected,
        found: actual,
      });
    }
  }
  return {
    checksum: checksum.kind,
    payloadBytes: payload.length,
    chunks: known ? checksum.values.length : 0,
    damaged,
    error: damagedError(damaged),
  };
}

function damagedError(damaged: readonly DamagedChunk[]): ArrayError | undefined {
  const [first] = damaged;
  if (first === undefined) return undefined;
  const rows = first.rows.map((run) => `${run.first} to ${run.last}`).join(' and ');
  const more = damaged.length > 1 ? `, and ${damaged.length - 1} more chunks` : '';
  return new ArrayError(
    'ERR_VGPU_ARRAY_DAMAGED',
    `chunk ${first.chunk} (bytes ${first.offset} to ${first.offset + first.length - 1}, stored rows ${rows}) does not match its CRC-32${more}`,
    {
      values: {
        chunk: first.chunk,
        offset: first.offset,
        length: first.length,
        rows,
        expected: first.expected,
        found: first.found,
        damagedChunks: damaged.length,
      },
      remedy: 'Restore the file from a backup, or accept the payload as it is with repair(path, "accept").',
    },
  );
}

/** The stored rows of each plane that share bytes with the range. */
function rowsIn(layout: PayloadLayout, start: number, end: number): { first: number; last: number }[] {
  if (layout.storedRows === 0) return [];
  const runs: { first: number; last: number }[] = [];
  for (let plane = 0; plane < layout.planes; plane++) {
    const from = Math.max(start - plane * layout.planeBytes, 0);
    const to = Math.min(end - plane * layout.planeBytes, layout.planeBytes) - 1;
    if (from <= to) runs.push({ first: rowAt(layout, from), last: rowAt(layout, to) });
  }
  return runs;
}

/** The last row that begins at or before the byte. */
function rowAt(layout: PayloadLayout, offset: number): number {
  let [low, high] = [0, layout.storedRows - 1];
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if (layout.rowOffset(middle) <= offset) low = middle;
    else high = middle - 1;
  }
  return low;
}
