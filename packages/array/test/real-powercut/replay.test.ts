import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Cut } from './disk-model.js';
import { sectorBytes } from './disk.js';
import { Replay } from './replay.js';
import type { WriteLog, WriteLogEntry } from './write-log.js';

/** The file system's partition has the sectors 8 to 39; on the medium each letter is a physical sector of 8. */
const partition = { firstSector: 8, sectors: 32 };
const flush: WriteLogEntry = { sector: 0, sectors: 0, flush: true, forceUnitAccess: false, dataOffset: 0 };

let folder: string;
let logFile: number;
let log: WriteLog;

/** The log's file holds the data only; the entries are made here. */
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'vgpu-replay-'));
  const write = (sector: number, letters: string): WriteLogEntry => {
    const dataOffset = data.length * 8 * sectorBytes;
    data += letters;
    return { sector, sectors: 8 * letters.length, flush: false, forceUnitAccess: false, dataOffset };
  };
  let data = '';
  const entries = [
    write(8, 'ab'),
    flush,
    write(16, 'c'),
    write(40, 'x'),
    write(0, 'y'),
    write(24, 'de'),
    flush,
  ];
  log = { sectorBytes, entries };
  writeFileSync(join(folder, 'log'), sectorsOf(data));
  writeFileSync(join(folder, 'initial'), sectorsOf('....'));
  logFile = openSync(join(folder, 'log'), 'r');
});
afterEach(() => {
  closeSync(logFile);
  rmSync(folder, { recursive: true });
});

function sectorsOf(letters: string): Buffer {
  return Buffer.concat([...letters].map((letter) => Buffer.alloc(8 * sectorBytes, letter)));
}

function lettersOf(image: string): string {
  const bytes = readFileSync(image);
  const letters = [0, 1, 2, 3]
    .map((index) => String.fromCharCode(bytes[index * 8 * sectorBytes] ?? 0))
    .join('');
  expect(bytes.equals(sectorsOf(letters))).toBe(true);
  return letters;
}

const cut = (position: number, survival: Cut['survival']): Cut => ({ position, survival, seed: 1 });

describe('Replay', () => {
  it('puts together what each cut leaves in the partition', () => {
    using replay = new Replay(log, logFile, partition, join(folder, 'initial'), folder);
    const images = [
      cut(1, 'none'),
      cut(1, 'all'),
      cut(2, 'none'),
      cut(6, 'none'),
      cut(6, 'all'),
      cut(7, 'none'),
    ].map((each) => lettersOf(replay.imageAt(each)));
    expect(images).toEqual(['....', 'ab..', 'ab..', 'ab..', 'acde', 'acde']);
    expect(lettersOf(replay.finalImage())).toBe('acde');
  });

  it('tears the last write', () => {
    using replay = new Replay(log, logFile, partition, join(folder, 'initial'), folder);
    const images = new Set<string>();
    for (let seed = 0; seed < 20; seed += 1) {
      images.add(lettersOf(replay.imageAt({ position: 6, survival: 'torn', seed })));
    }
    expect(images).toEqual(new Set(['ac..', 'acd.']));
  });

  it('leaves the initial image and earlier images as they are', () => {
    using replay = new Replay(log, logFile, partition, join(folder, 'initial'), folder);
    const first = replay.imageAt(cut(1, 'all'));
    replay.imageAt(cut(6, 'all'));
    expect(lettersOf(first)).toBe('ab..');
    expect(lettersOf(join(folder, 'initial'))).toBe('....');
  });
});
