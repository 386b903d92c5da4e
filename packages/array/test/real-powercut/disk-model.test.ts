import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type Cut,
  durablePosition,
  planCuts,
  type Survival,
  survivingWrites,
  survivals,
} from './disk-model.js';
import type { WriteLog, WriteLogEntry } from './write-log.js';

const write = (sector: number, sectors = 8): WriteLogEntry => ({
  sector,
  sectors,
  flush: false,
  forceUnitAccess: false,
  dataOffset: 0,
});
const forced = (sector: number): WriteLogEntry => ({ ...write(sector), forceUnitAccess: true });
const flush: WriteLogEntry = { ...write(0, 0), flush: true };

function logOf(...entries: WriteLogEntry[]): WriteLog {
  return { sectorBytes: 512, entries };
}

const anyLog = fc
  .array(
    fc.oneof(
      fc.constant(flush),
      fc
        .record({ sector: fc.nat(1000), sectors: fc.integer({ min: 1, max: 64 }) })
        .map((each) => ({ ...flush, ...each, flush: false })),
    ),
    { minLength: 1, maxLength: 40 },
  )
  .map((entries) => logOf(...entries));

const survivorsOf = (log: WriteLog, position: number, survival: Survival, seed = 1) =>
  survivingWrites(log, { position, survival, seed }).map(({ entry, sectors }) => [entry.sector, sectors]);

describe('what a cut leaves', () => {
  const log = logOf(write(0), flush, write(8), forced(16), write(24, 32));

  it('counts as durable what a flush has covered', () => {
    expect(durablePosition(log, 5)).toBe(2);
    expect(durablePosition(log, 2)).toBe(2);
    expect(durablePosition(log, 1)).toBe(0);
  });

  it('keeps all unflushed writes, or only those that bypassed the cache', () => {
    expect(survivorsOf(log, 5, 'all')).toEqual([
      [8, 8],
      [16, 8],
      [24, 32],
    ]);
    expect(survivorsOf(log, 5, 'none')).toEqual([[16, 8]]);
  });

  it('tears the last write, and only it, at the end of a physical sector', () => {
    const lengths = new Set<number>();
    for (let seed = 0; seed < 200; seed += 1) {
      const survivors = survivorsOf(log, 5, 'torn', seed);
      expect(survivors.slice(0, 2)).toEqual([
        [8, 8],
        [16, 8],
      ]);
      lengths.add(survivors[2]?.[1] ?? 0);
    }
    expect([...lengths].sort((one, other) => one - other)).toEqual([0, 8, 16, 24]);
  });

  it('tears where physical sectors end, not so far from where the write begins', () => {
    const lengths = new Set<number>();
    for (let seed = 0; seed < 200; seed += 1)
      lengths.add(survivorsOf(logOf(write(4, 16)), 1, 'torn', seed)[0]?.[1] ?? 0);
    expect([...lengths].sort((one, other) => one - other)).toEqual([0, 4, 12]);
  });

  it('loses each write for itself, the same ones for the same seed', () => {
    const outcomes = new Set<string>();
    for (let seed = 0; seed < 300; seed += 1) {
      const survivors = JSON.stringify(survivorsOf(log, 5, 'some', seed));
      expect(JSON.stringify(survivorsOf(log, 5, 'some', seed))).toBe(survivors);
      outcomes.add(survivors);
    }
    expect(outcomes).toContain(JSON.stringify([[16, 8]]));
    // A later write without an earlier one.
    expect(outcomes).toContain(
      JSON.stringify([
        [16, 8],
        [24, 32],
      ]),
    );
    expect(outcomes.size).toBeGreaterThanOrEqual(6);
  });

  it('never takes from what was flushed, nor from what comes after the cut', () => {
    fc.assert(
      fc.property(
        anyLog,
        fc.nat(),
        fc.constantFrom(...survivals),
        fc.nat(),
        (anyEntries, at, survival, seed) => {
          const position = at % (anyEntries.entries.length + 1);
          const cached = anyEntries.entries.slice(durablePosition(anyEntries, position), position);
          expect(cached.some((entry) => entry.flush)).toBe(false);
          for (const { entry, sectors } of survivingWrites(anyEntries, { position, survival, seed })) {
            expect(cached).toContain(entry);
            expect(sectors).toBeLessThanOrEqual(entry.sectors);
          }
        },
      ),
    );
  });
});

describe('planCuts', () => {
  it('cuts between any two flushes with writes between them, and behind each acknowledgement', () => {
    fc.assert(
      fc.property(anyLog, fc.nat(), (log, seed) => {
        const acknowledgements = log.entries.flatMap((entry, index) =>
          index % 5 === 0 && !entry.flush ? [index] : [],
        );
        const cuts = planCuts(log, acknowledgements, 1, seed);
        for (const window of windowsOf(log)) expect(cuts.some((cut) => isIn(cut, window))).toBe(true);
        for (const index of acknowledgements) {
          expect(cuts).toContainEqual({ position: index + 1, survival: 'none', seed: 0 });
        }
      }),
    );
  });

  it('cuts as often as it is told to, in the order of the log, and repeats itself', () => {
    const log = logOf(write(0), flush, flush, write(8), write(16), flush, write(24));
    const cuts = planCuts(log, [4], 500, 7);
    expect(cuts).toHaveLength(500);
    expect(cuts).toEqual([...cuts].sort((one, other) => one.position - other.position));
    expect(planCuts(log, [4], 500, 7)).toEqual(cuts);
    expect(planCuts(log, [4], 500, 8)).not.toEqual(cuts);
    expect(new Set(cuts.map((cut) => cut.survival))).toEqual(new Set(survivals));
    expect(new Set(cuts.map((cut) => cut.position))).toEqual(new Set([1, 4, 5, 7]));
  });
});

/** Found in another way than planCuts does: each longest run of writes, as the positions behind its entries. */
function windowsOf(log: WriteLog): number[][] {
  const windows: number[][] = [[]];
  log.entries.forEach((entry, index) => {
    if (entry.flush) windows.push([]);
    else windows.at(-1)?.push(index + 1);
  });
  return windows.filter((window) => window.length > 0);
}

function isIn(cut: Cut, window: readonly number[]): boolean {
  return window.includes(cut.position);
}
