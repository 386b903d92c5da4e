// Turns a cut into the file system that a machine finds when it starts again.
import { closeSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { runCommand } from './commands.js';
import { type Cut, durablePosition, survivingWrites } from './disk-model.js';
import { type Filesystem, type Partition, sectorBytes } from './disk.js';
import { readExactly, writeExactly } from './exact-io.js';
import type { WriteLog, WriteLogEntry } from './write-log.js';

export class Replay implements Disposable {
  /** Everything up to `position`, which only grows: cuts come in the order of the log. */
  readonly #durable: number;
  readonly #durablePath: string;
  #position = 0;
  #images = 0;

  /**
   * @param logFile descriptor of the log
   * @param initialImage the file system before the first write
   * @param workspace a folder for images, in memory if possible
   */
  constructor(
    private readonly log: WriteLog,
    private readonly logFile: number,
    private readonly partition: Partition,
    initialImage: string,
    private readonly workspace: string,
  ) {
    this.#durablePath = join(workspace, 'durable.img');
    copySparse(initialImage, this.#durablePath);
    this.#durable = openSync(this.#durablePath, 'r+');
  }

  /**
   * Writes the image of a cut, which must not lie before the previous one, and returns its path. Every image is a file
   * of its own: the system may still hold an earlier one, and must not take this one for it.
   */
  imageAt(cut: Cut): string {
    this.#advance(durablePosition(this.log, cut.position));
    this.#images += 1;
    const path = join(this.workspace, `cut-${this.#images}.img`);
    copySparse(this.#durablePath, path);
    const image = openSync(path, 'r+');
    try {
      for (const { entry, sectors } of survivingWrites(this.log, cut)) this.#write(image, entry, sectors);
    } finally {
      closeSync(image);
    }
    return path;
  }

  /** The image after the whole log. */
  finalImage(): string {
    this.#advance(this.log.entries.length);
    return this.#durablePath;
  }

  [Symbol.dispose](): void {
    closeSync(this.#durable);
  }

  #advance(position: number): void {
    for (const entry of this.log.entries.slice(this.#position, position)) {
      this.#write(this.#durable, entry, entry.sectors);
    }
    this.#position = Math.max(this.#position, position);
  }

  #write(image: number, entry: WriteLogEntry, sectors: number): void {
    const { firstSector, sectors: size } = this.partition;
    if (entry.sector < firstSector || entry.sector >= firstSector + size) return;
    const bytes = readExactly(this.logFile, sectors * sectorBytes, entry.dataOffset);
    writeExactly(image, bytes, (entry.sector - firstSector) * sectorBytes);
  }
}

const mountOptions = {
  ext4: 'loop',
  // All images are of one file system, and an earlier one may not be quite gone.
  xfs: 'loop,nouuid',
} as const;

/** Calls `use` with the folder in which the image is mounted; mounting recovers the journal. */
export async function withMounted<T>(
  image: string,
  filesystem: Filesystem,
  folder: string,
  use: (folder: string) => Promise<T>,
): Promise<T> {
  runCommand('mount', ['-t', filesystem, '-o', mountOptions[filesystem], image, folder]);
  try {
    return await use(folder);
  } finally {
    runCommand('umount', [folder]);
  }
}

function copySparse(from: string, to: string): void {
  runCommand('cp', ['--sparse=always', from, to]);
}
