// One run of the guest, and what is read from it afterwards.
import { closeSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { acknowledgementBytes, decodeAcknowledgement } from './acknowledgement.js';
import {
  type DiskLayout,
  diskLayout,
  type Filesystem,
  makeDisk,
  makeFilesystem,
  sectorBytes,
} from './disk.js';
import { PowercutError } from './errors.js';
import { readExactly } from './exact-io.js';
import { runMachine } from './machine.js';
import { readWriteLog, type WriteLog } from './write-log.js';

/** Paths of what a run needs and leaves. */
export interface Recording {
  readonly filesystem: Filesystem;
  readonly layout: DiskLayout;
  /** The file system before the run. */
  readonly initialImage: string;
  readonly disk: string;
  readonly log: string;
}

/** The file system is a multiple of it. */
const compareBytes = 2 ** 20;

const deadlineMilliseconds = 15 * 60_000;

export function recordingIn(folder: string, filesystem: Filesystem): Recording {
  return {
    filesystem,
    layout: diskLayout(filesystem),
    initialImage: join(folder, `${filesystem}-initial.img`),
    disk: join(folder, `${filesystem}-disk.img`),
    log: join(folder, `${filesystem}-writes.log`),
  };
}

/** Runs the workload in the guest, on a new disk. */
export async function record(
  recording: Recording,
  guest: { kernel: string; image: string; words: readonly string[]; signal: AbortSignal },
  onLine: (line: string) => void,
): Promise<void> {
  makeFilesystem(recording.initialImage, recording.filesystem);
  makeDisk(recording.disk, recording.initialImage, recording.layout);
  closeSync(openSync(recording.log, 'w'));
  await runMachine(
    {
      kernel: guest.kernel,
      guestImage: guest.image,
      words: [`vgpu.filesystem=${recording.filesystem}`, ...guest.words],
      disk: recording.disk,
      log: recording.log,
      deadlineMilliseconds,
      signal: guest.signal,
    },
    onLine,
  );
}

/** @throws PowercutError ERR_VGPU_POWERCUT_WRITE_LOG where the log's sectors are not the disk's */
export function readLog(logFile: number): WriteLog {
  const log = readWriteLog(logFile);
  if (log.sectorBytes === sectorBytes) return log;
  throw new PowercutError('ERR_VGPU_POWERCUT_WRITE_LOG', `the log has sectors of ${log.sectorBytes} bytes`, {
    values: { sectorBytes: log.sectorBytes },
    remedy: `Record it with sectors of ${sectorBytes} bytes.`,
  });
}

/**
 * Where in the log each step is acknowledged: the step's result must survive a cut at a greater position.
 * @throws PowercutError ERR_VGPU_POWERCUT_WRITE_LOG where a step is missing or out of order
 */
export function readAcknowledgements(log: WriteLog, logFile: number, layout: DiskLayout): number[] {
  const { firstSector, sectors } = layout.acknowledgements;
  const positions: number[] = [];
  log.entries.forEach((entry, index) => {
    if (entry.sectors === 0 || entry.sector < firstSector || entry.sector >= firstSector + sectors) return;
    const step = decodeAcknowledgement(readExactly(logFile, acknowledgementBytes, entry.dataOffset));
    if (step !== positions.length || entry.sectors !== 1) {
      throw new PowercutError(
        'ERR_VGPU_POWERCUT_WRITE_LOG',
        `entry ${index} acknowledges step ${step ?? 'none'}`,
        {
          values: { index, expected: positions.length },
          remedy: 'Record the log again: its acknowledgements are not in order.',
        },
      );
    }
    positions.push(index);
  });
  return positions;
}

/**
 * That the log says all there is to say: replayed as a whole it gives the disk.
 * @throws PowercutError ERR_VGPU_POWERCUT_WRITE_LOG
 */
export function requireSameContents(replayed: string, recording: Recording): void {
  const { firstSector, sectors } = recording.layout.files;
  const disk = openSync(recording.disk, 'r');
  const image = openSync(replayed, 'r');
  try {
    for (let offset = 0; offset < sectors * sectorBytes; offset += compareBytes) {
      const expected = readExactly(disk, compareBytes, firstSector * sectorBytes + offset);
      if (expected.equals(readExactly(image, compareBytes, offset))) continue;
      throw new PowercutError(
        'ERR_VGPU_POWERCUT_WRITE_LOG',
        `the log does not lead to the disk (near ${offset})`,
        {
          values: { offset },
          remedy: 'Record the log again; if it stays, the log is read wrongly.',
        },
      );
    }
  } finally {
    closeSync(disk);
    closeSync(image);
  }
}
