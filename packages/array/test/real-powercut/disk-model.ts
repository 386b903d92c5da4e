// What a disk with a volatile cache may hold after the power went: everything from before the last completed flush, and
// of the writes after it, which are in no order and may be half done, any part.
import { type Random, randomFrom } from '../powercut/random.js';
import type { WriteLog, WriteLogEntry } from './write-log.js';

/**
 * What became of the writes after the last flush: all reached the medium, none did, all but the end of the last one
 * did, or each for itself did, did in part or did not.
 */
export const survivals = ['all', 'none', 'torn', 'some'] as const;
export type Survival = (typeof survivals)[number];

export interface Cut {
  /** The power went after so many entries of the log. */
  readonly position: number;
  readonly survival: Survival;
  /** Repeats the choices of this cut. */
  readonly seed: number;
}

/**
 * A disk with physical sectors of 4096 bytes writes such a sector whole or not at all. ext4 counts on it: half of its
 * super block makes a file system that nothing mounts.
 */
const physicalSectorBytes = 4096;

/** The first `sectors` sectors of an entry's data. */
export interface SurvivingWrite {
  readonly entry: WriteLogEntry;
  readonly sectors: number;
}

/** The number of entries that a flush has made durable when the power goes at `position`. */
export function durablePosition(log: WriteLog, position: number): number {
  let index = position;
  while (index > 0 && !log.entries[index - 1]?.flush) index -= 1;
  return index;
}

/**
 * Cut points in the order of the log: one right behind each acknowledgement, with everything lost that was not flushed;
 * at least one between any two flushes that have writes between them; and others until there are `count`.
 * @param acknowledgements indices of entries
 */
export function planCuts(
  log: WriteLog,
  acknowledgements: readonly number[],
  count: number,
  seed: number,
): Cut[] {
  const random = randomFrom(seed);
  const windows = flushWindows(log);
  if (windows.length === 0) return [];
  const more = Math.max(0, count - windows.length - acknowledgements.length);
  const chosen = [...windows, ...Array.from({ length: more }, () => oneOf(windows, random))];
  const cuts = chosen.map(({ first, last }) => ({
    position: first + random(last - first + 1),
    survival: oneOf(survivals, random),
    seed: random(2 ** 31),
  }));
  for (const index of acknowledgements) cuts.push({ position: index + 1, survival: 'none', seed: 0 });
  return cuts.sort((one, other) => one.position - other.position);
}

function oneOf<T>(list: readonly T[], random: Random): T {
  const chosen = list[random(list.length)];
  if (chosen === undefined) throw new RangeError('there is nothing to choose from');
  return chosen;
}

/** The positions between flushes at which there is something to lose. */
function flushWindows(log: WriteLog): { first: number; last: number }[] {
  const windows: { first: number; last: number }[] = [];
  let first = 1;
  log.entries.forEach((entry, index) => {
    if (!entry.flush) return;
    if (index >= first) windows.push({ first, last: index });
    first = index + 2;
  });
  if (log.entries.length >= first) windows.push({ first, last: log.entries.length });
  return windows;
}

/** The writes after the last flush before the cut that are on the medium afterwards, in the order of the log. */
export function survivingWrites(log: WriteLog, cut: Cut): SurvivingWrite[] {
  const random = randomFrom(cut.seed);
  const cached = log.entries
    .slice(durablePosition(log, cut.position), cut.position)
    .filter((entry) => entry.sectors > 0);
  return cached
    .map((entry, index) => {
      const part = partOf(entry, log.sectorBytes, random);
      return {
        entry,
        sectors: survivingSectors(entry, part, index === cached.length - 1, cut.survival, random),
      };
    })
    .filter((write) => write.sectors > 0);
}

/** What a torn write leaves: some of its first sectors, up to the end of a physical one, but not all. */
function partOf(entry: WriteLogEntry, sectorBytes: number, random: Random): number {
  const physical = physicalSectorBytes / sectorBytes;
  const end = entry.sector + random(entry.sectors);
  return Math.max(0, Math.floor(end / physical) * physical - entry.sector);
}

function survivingSectors(
  entry: WriteLogEntry,
  part: number,
  last: boolean,
  survival: Survival,
  random: Random,
): number {
  if (entry.forceUnitAccess) return entry.sectors;
  switch (survival) {
    case 'all':
      return entry.sectors;
    case 'none':
      return 0;
    case 'torn':
      return last ? part : entry.sectors;
    case 'some': {
      const luck = random(10);
      if (luck < 5) return entry.sectors;
      return luck < 6 ? part : 0;
    }
  }
}
