// What a torture run will do, decided before anything is allocated.
import { type StatsFs, statfsSync } from 'node:fs';
import { CliError } from '../errors.js';
import { fileError } from '../file/paths.js';
import { formatBytes } from '../output/bytes.js';
import { usableMemory } from './usage.js';

export interface TortureOptions {
  /** How many times the memory passes through scratch memory; 4 by default, 2 in the short form. */
  readonly times?: number | undefined;
  /** At most so many bytes, whatever `times` says. */
  readonly limit?: number | undefined;
  readonly directory: string;
  readonly chunk?: number | undefined;
  /** As if the machine had 1 GiB: for tests. */
  readonly short?: boolean | undefined;
}

export interface Plan {
  /** What counts as all the memory there is. */
  readonly memory: number;
  readonly chunk: number;
  /** Bytes that pass through each kind of scratch memory: whole chunks. */
  readonly each: number;
  /** Bytes of one piece of scratch memory; there are as many, one after another, as it takes. */
  readonly span: { readonly anonymous: number; readonly file: number };
  readonly directory: string;
  /** What the process may have resident at any time. */
  readonly rssLimit: number;
}

const GIB = 2 ** 30;
const MIB = 2 ** 20;
const shareOfMemory = 8;

/** @throws CliError for a chunk that is too large, or a folder whose disk is full, or that is on none. */
export function makePlan(options: TortureOptions, pageSize: number): Plan {
  const { short = false, directory } = options;
  const memory = short ? GIB : usableMemory();
  const chunk = roundUp(options.chunk ?? (short ? 8 : 64) * MIB, pageSize);
  const rssLimit = Math.floor(memory / shareOfMemory);
  if (chunk > rssLimit / 2) {
    throw new CliError(
      'ERR_VGPU_USAGE',
      `chunks of ${formatBytes(chunk)} cannot stay below ${formatBytes(rssLimit)}, 1/${shareOfMemory} of the memory`,
      { remedy: `choose at most --chunk ${Math.floor(rssLimit / 2 / MIB)}MiB` },
    );
  }
  const total = Math.min(
    (options.times ?? (short ? 2 : 4)) * memory,
    options.limit ?? Number.POSITIVE_INFINITY,
  );
  const each = roundUp(total / 2, chunk);
  // Should nothing be given back, half of the memory fails the test without harming the machine.
  const anonymous = Math.min(each, roundUp(memory / 2, chunk));
  const file = Math.min(each, Math.floor(freeBytes(directory, chunk) / 2 / chunk) * chunk);
  return { memory, chunk, each, span: { anonymous, file }, directory, rssLimit };
}

/** Types of statfs(2): files there are memory themselves, so that nothing can be given back. */
const memoryFileSystems = [0x01021994, 0x858458f6];

function freeBytes(directory: string, chunk: number): number {
  const { bavail, bsize, type } = statusOf(directory);
  if (bavail * bsize < 2 * chunk) {
    throw new CliError(
      'ERR_VGPU_NO_SPACE',
      `${directory} has no room for ${formatBytes(2 * chunk)} of scratch`,
      {
        remedy: 'choose another folder with --directory',
      },
    );
  }
  if (memoryFileSystems.includes(type)) {
    throw new CliError('ERR_VGPU_NOT_ON_DISK', `${directory} is a file system in memory, not on a disk`, {
      remedy: 'choose a folder on a disk with --directory',
    });
  }
  return bavail * bsize;
}

function statusOf(directory: string): StatsFs {
  try {
    return statfsSync(directory);
  } catch (error) {
    throw fileError(directory, error);
  }
}

function roundUp(value: number, unit: number): number {
  return Math.ceil(value / unit) * unit;
}
