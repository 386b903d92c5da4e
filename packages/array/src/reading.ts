// Reading long stretches of a file: the next piece is on its way while the present one is looked at.
import { InvalidFileFormatError } from '@vgpu/format';
import type { MappedFile } from '@vgpu/mmap-native';
import { checkAborted } from './errors.js';

/** Large enough for the disk, small enough for the event loop: 4 MiB are a millisecond or two of checksumming. */
export const pieceBytes = 4 * 1024 * 1024;

export interface Range {
  readonly offset: number;
  readonly length: number;
}

export interface Piece {
  /** In the file. */
  readonly offset: number;
  /** Overwritten after the next piece was asked for. */
  readonly bytes: Uint8Array;
}

/**
 * Copies instead of mapping: a file that shrinks or cannot be read is an error here and not a fault.
 * @throws InvalidFileFormatError truncated
 */
export async function* readAhead(
  file: MappedFile,
  ranges: Iterable<Range>,
  signal?: AbortSignal,
): AsyncGenerator<Piece> {
  const buffers: Uint8Array[] = [];
  const pieces = split(ranges);
  let turn = 0;
  const start = () => {
    const next = pieces.next();
    if (next.done === true) return undefined;
    const { offset, length } = next.value;
    turn = 1 - turn;
    const buffer = buffers[turn];
    const roomy = buffer !== undefined && buffer.length >= length ? buffer : new Uint8Array(length);
    buffers[turn] = roomy;
    const bytes = roomy.subarray(0, length);
    const done = file.readAsync(offset, bytes);
    // Awaited later: without this a failure would count as unhandled until then.
    done.catch(() => {});
    return { offset, bytes, done };
  };
  let ahead = start();
  try {
    while (ahead !== undefined) {
      const { offset, bytes, done } = ahead;
      const count = await done;
      checkAborted(signal);
      if (count !== bytes.length) throw truncated(offset, count, bytes.length);
      ahead = start();
      yield { offset, bytes };
    }
  } finally {
    await ahead?.done.catch(() => {});
  }
}

function* split(ranges: Iterable<Range>): Generator<Range, undefined> {
  for (const { offset, length } of ranges) {
    for (let done = 0; done < length; done += pieceBytes) {
      yield { offset: offset + done, length: Math.min(pieceBytes, length - done) };
    }
  }
}

function truncated(offset: number, found: number, expected: number): InvalidFileFormatError {
  return new InvalidFileFormatError('truncated', 'the file became shorter while it was read', {
    offset,
    found: `${found} bytes`,
    expected: `${expected} bytes`,
  });
}
