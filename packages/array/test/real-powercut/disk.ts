// The guest's disk: a partition with a file system and, behind it, a raw one for acknowledgements.
import { closeSync, ftruncateSync, openSync, rmSync } from 'node:fs';
import { runCommand } from './commands.js';
import { writeExactly } from './exact-io.js';

export const filesystems = ['ext4', 'xfs'] as const;
export type Filesystem = (typeof filesystems)[number];

export const sectorBytes = 512;

export interface Partition {
  readonly firstSector: number;
  readonly sectors: number;
}

export interface DiskLayout {
  readonly files: Partition;
  readonly acknowledgements: Partition;
}

const mebibyte = 2048;
const linuxPartition = 0x83;

/** As small as the file system may be: every cut copies it. */
const filesystemSectors = { ext4: 48 * mebibyte, xfs: 304 * mebibyte } as const;

const makeCommands = {
  // What would be left for the mounted file system to initialise in the background is done now.
  ext4: ['mkfs.ext4', '-q', '-E', 'lazy_itable_init=0,lazy_journal_init=0'],
  xfs: ['mkfs.xfs', '-q'],
} as const;

export function diskLayout(filesystem: Filesystem): DiskLayout {
  const sectors = filesystemSectors[filesystem];
  return {
    files: { firstSector: mebibyte, sectors },
    acknowledgements: { firstSector: mebibyte + sectors, sectors: mebibyte },
  };
}

/** Makes an empty file system, sparse. */
export function makeFilesystem(path: string, filesystem: Filesystem): void {
  rmSync(path, { force: true });
  const file = openSync(path, 'w');
  ftruncateSync(file, filesystemSectors[filesystem] * sectorBytes);
  closeSync(file);
  const [command, ...args] = makeCommands[filesystem];
  runCommand(command, [...args, path]);
}

/** Makes the whole disk: a partition table, and the file system of `image` in the first partition. */
export function makeDisk(path: string, image: string, layout: DiskLayout): void {
  rmSync(path, { force: true });
  const disk = openSync(path, 'w');
  ftruncateSync(disk, (layout.acknowledgements.firstSector + layout.acknowledgements.sectors) * sectorBytes);
  writeExactly(disk, partitionTable([layout.files, layout.acknowledgements]), 0);
  closeSync(disk);
  const seek = `seek=${layout.files.firstSector * sectorBytes}`;
  runCommand('dd', [`if=${image}`, `of=${path}`, 'bs=1M', 'conv=notrunc,sparse', 'oflag=seek_bytes', seek]);
}

/** A PC partition table: sixteen bytes for each partition from 446 on, and a signature. */
function partitionTable(partitions: readonly Partition[]): Buffer {
  const sector = Buffer.alloc(sectorBytes);
  partitions.forEach(({ firstSector, sectors }, index) => {
    const at = 446 + 16 * index;
    sector.writeUInt8(linuxPartition, at + 4);
    sector.writeUInt32LE(firstSector, at + 8);
    sector.writeUInt32LE(sectors, at + 12);
  });
  sector.writeUInt16LE(0xaa55, 510);
  return sector;
}
