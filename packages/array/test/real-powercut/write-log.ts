// The log that QEMU's blklogwrites driver keeps of everything written to a disk, in the format of the kernel's
// dm-log-writes target: a super block, then for each request one sector that begins with four little-endian u64
// (first sector, number of sectors, flags, length of a mark's text), followed by the sectors written.
// https://docs.kernel.org/admin-guide/device-mapper/log-writes.html
import { fstatSync } from 'node:fs';
import { PowercutError } from './errors.js';
import { readExactly } from './exact-io.js';

export const logMagic = 0x6a736677736872n;
export const logVersion = 1n;
export const logFlags = { flush: 1, forceUnitAccess: 2, discard: 4, mark: 8 } as const;

const superBlockBytes = 28;
const entryBytes = 32;

export interface WriteLogEntry {
  /** In sectors of the log's size. */
  readonly sector: number;
  readonly sectors: number;
  /** Everything completed before this entry is on the medium. */
  readonly flush: boolean;
  /** This write itself is on the medium once completed. */
  readonly forceUnitAccess: boolean;
  /** Where in the log file the data lie. */
  readonly dataOffset: number;
}

export interface WriteLog {
  readonly sectorBytes: number;
  /** In the order in which the requests completed. */
  readonly entries: readonly WriteLogEntry[];
}

/**
 * Reads the structure of a log, not the data.
 * @param file descriptor of the log
 * @throws PowercutError ERR_VGPU_POWERCUT_WRITE_LOG where the log is damaged or has a request that is not modelled
 *   (discards, marks): leaving one out would falsify every cut after it
 */
export function readWriteLog(file: number): WriteLog {
  const size = fstatSync(file).size;
  const { count, sectorBytes } = readSuperBlock(file, size);
  const entries: WriteLogEntry[] = [];
  let offset = sectorBytes;
  while (entries.length < count) {
    const entry = readEntry(file, offset, size, entries.length);
    offset = entry.dataOffset = offset + sectorBytes;
    offset += entry.sectors * sectorBytes;
    if (offset > size) throw damaged('an entry reaches past the end of the log', { entry: entries.length });
    entries.push(entry);
  }
  return { sectorBytes, entries };
}

function readSuperBlock(file: number, size: number): { count: number; sectorBytes: number } {
  const block = readAt(file, 0, superBlockBytes, size);
  const magic = block.readBigUInt64LE(0);
  if (magic !== logMagic) throw damaged('this is no write log', { magic: magic.toString(16) });
  const version = block.readBigUInt64LE(8);
  if (version !== logVersion)
    throw damaged('the log has an unknown version', { version: version.toString() });
  const sectorBytes = block.readUInt32LE(24);
  if (sectorBytes < 512 || sectorBytes > 65536 || (sectorBytes & (sectorBytes - 1)) !== 0) {
    throw damaged('the log has an impossible sector size', { sectorBytes });
  }
  const count = block.readBigUInt64LE(16);
  // Each entry takes a sector, so a count that the file cannot hold is refused before anything is read.
  if (count > BigInt(Math.floor(size / sectorBytes))) {
    throw damaged('the log says it has more entries than fit into it', { count: count.toString() });
  }
  return { count: Number(count), sectorBytes };
}

function readEntry(file: number, offset: number, size: number, index: number) {
  const block = readAt(file, offset, entryBytes, size);
  const [sector, sectors, flags] = [0, 8, 16].map((at) => block.readBigUInt64LE(at)) as [
    bigint,
    bigint,
    bigint,
  ];
  if (sector + sectors > BigInt(Number.MAX_SAFE_INTEGER) / 65536n) {
    throw damaged('an entry lies beyond any disk', { entry: index, sector: sector.toString() });
  }
  const known = BigInt(logFlags.flush | logFlags.forceUnitAccess);
  if ((flags & ~known) !== 0n) {
    throw damaged('an entry is neither a write nor a flush', { entry: index, flags: Number(flags) });
  }
  return {
    sector: Number(sector),
    sectors: Number(sectors),
    flush: (Number(flags) & logFlags.flush) !== 0,
    forceUnitAccess: (Number(flags) & logFlags.forceUnitAccess) !== 0,
    dataOffset: 0,
  };
}

function readAt(file: number, offset: number, length: number, size: number): Buffer {
  if (offset + length > size) throw damaged('the log is cut off', { offset, size });
  return readExactly(file, length, offset);
}

function damaged(message: string, values: Record<string, string | number>): PowercutError {
  const found = Object.entries(values).map(([name, value]) => `${name} ${value}`);
  return new PowercutError('ERR_VGPU_POWERCUT_WRITE_LOG', `${message} (${found.join(', ')})`, {
    values,
    remedy: 'Record the log again, with a QEMU that has the blklogwrites driver and a disk without discard.',
  });
}
