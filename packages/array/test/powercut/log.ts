// Reads what the recorder (test/native/record) wrote.
import { endianness } from 'node:os';

/** In the order of `enum record_kind`, from 1. */
const kinds = [
  'create',
  'open',
  'unnamed',
  'write',
  'mapped',
  'resize',
  'punch',
  'flush-range',
  'flush-data',
  'flush-file',
  'flush-directory',
  'rename',
  'link',
  'unlink',
  'mark',
  'end',
] as const;

export type OperationKind = (typeof kinds)[number];

export interface Operation {
  readonly kind: OperationKind;
  /** The recorder's number of the file, from 1; 0 for operations on names. */
  readonly file: number;
  /** Offset or size. */
  readonly first: number;
  /** Length. */
  readonly second: number;
  /** Relative to the recorded directory, but for marks. */
  readonly path: string;
  readonly other: string;
  readonly bytes: Uint8Array;
}

export const flushKinds: ReadonlySet<OperationKind> = new Set([
  'flush-range',
  'flush-data',
  'flush-file',
  'flush-directory',
]);

const magic = 0x52475631;
const headerBytes = 48;

/** @throws Error when the log does not end with the process's orderly end: then operations are missing. */
export function parseLog(log: Uint8Array, directory: string): Operation[] {
  if (endianness() !== 'LE') throw new Error('the log is read on machines that are little-endian');
  const view = new DataView(log.buffer, log.byteOffset, log.byteLength);
  const operations: Operation[] = [];
  let offset = 0;
  while (offset < log.length) {
    const { operation, end } = parseRecord(log, view, offset, directory);
    operations.push(operation);
    offset = end;
  }
  if (operations.at(-1)?.kind !== 'end')
    throw new Error('the recorded process did not end in an orderly way');
  return operations;
}

function parseRecord(log: Uint8Array, view: DataView, offset: number, directory: string) {
  if (offset + headerBytes > log.length) throw new Error('the log ends inside a record');
  const kind = kinds[view.getUint32(offset + 4, true) - 1];
  if (view.getUint32(offset, true) !== magic || kind === undefined) {
    throw new Error(`no record at byte ${offset} of the log`);
  }
  const number = (at: number) => Number(view.getBigUint64(offset + at, true));
  let end = offset + headerBytes;
  const part = (length: number) => {
    end += length;
    return log.subarray(end - length, end);
  };
  const text = (length: number) => Buffer.from(part(length)).toString();
  const path = text(view.getUint32(offset + 32, true));
  const other = text(view.getUint32(offset + 36, true));
  const bytes = part(number(40));
  if (end > log.length) throw new Error('the log ends inside a record');
  const relative = (full: string) => (kind === 'mark' ? full : full.slice(directory.length + 1));
  const operation: Operation = {
    kind,
    file: number(8),
    first: number(16),
    second: number(24),
    path: relative(path),
    other: relative(other),
    bytes,
  };
  return { operation, end };
}
