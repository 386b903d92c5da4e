import { closeSync, mkdtempSync, openSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { PowercutError } from './errors.js';

import { logFlags, readWriteLog, type WriteLog } from './write-log.js';

interface Request {
  readonly sector: number;
  readonly sectors: number;
  readonly flags: number;
}

/** A log as blklogwrites leaves it; the data of entry n are bytes of value n. */
function encodeLog(
  requests: readonly Request[],
  { count = requests.length, sectorBytes = 512 } = {},
): Buffer {
  const superBlock = Buffer.alloc(sectorBytes);
  superBlock.write('rhswfsj', 'latin1');
  superBlock.writeBigUInt64LE(1n, 8);
  superBlock.writeBigUInt64LE(BigInt(count), 16);
  superBlock.writeUInt32LE(sectorBytes, 24);
  const entries = requests.flatMap(({ sector, sectors, flags }, index) => {
    const entry = Buffer.alloc(sectorBytes);
    entry.writeBigUInt64LE(BigInt(sector), 0);
    entry.writeBigUInt64LE(BigInt(sectors), 8);
    entry.writeBigUInt64LE(BigInt(flags), 16);
    return [entry, Buffer.alloc(sectors * sectorBytes, index)];
  });
  return Buffer.concat([superBlock, ...entries]);
}

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'vgpu-write-log-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

function read(bytes: Uint8Array): WriteLog {
  const path = join(folder, 'log');
  writeFileSync(path, bytes);
  const file = openSync(path, 'r');
  try {
    return readWriteLog(file);
  } finally {
    closeSync(file);
  }
}

const three: readonly Request[] = [
  { sector: 2048, sectors: 8, flags: 0 },
  { sector: 0, sectors: 0, flags: logFlags.flush },
  { sector: 9, sectors: 1, flags: logFlags.forceUnitAccess },
];

describe('readWriteLog', () => {
  it('reads writes, flushes and where the data lie', () => {
    expect(read(encodeLog(three))).toEqual({
      sectorBytes: 512,
      entries: [
        { sector: 2048, sectors: 8, flush: false, forceUnitAccess: false, dataOffset: 2 * 512 },
        { sector: 0, sectors: 0, flush: true, forceUnitAccess: false, dataOffset: 11 * 512 },
        { sector: 9, sectors: 1, flush: false, forceUnitAccess: true, dataOffset: 12 * 512 },
      ],
    });
  });

  it('reads logs with larger sectors', () => {
    const { sectorBytes, entries } = read(encodeLog(three, { sectorBytes: 4096 }));
    expect(sectorBytes).toBe(4096);
    expect(entries[2]?.dataOffset).toBe(12 * 4096);
  });

  it('ignores what was logged after the super block was last written', () => {
    expect(read(encodeLog(three, { count: 2 })).entries).toHaveLength(2);
  });

  it.each([
    ['an empty file', Buffer.alloc(0), /cut off/],
    ['another file', Buffer.alloc(4096, 7), /no write log/],
    ['a later version', withU64(encodeLog(three), 8, 2n), /unknown version/],
    ['sectors of 500 bytes', withU64(encodeLog(three), 24, 500n), /sector size/],
    ['sectors of no bytes', withU64(encodeLog(three), 24, 0n), /sector size/],
    ['more entries than there are', encodeLog(three, { count: 4 }), /cut off|past the end/],
    ['more entries than can be', withU64(encodeLog(three), 16, 2n ** 63n), /more entries than fit/],
    ['a cut in the data', encodeLog(three).subarray(0, 5000), /past the end/],
    ['an absurd sector', withU64(encodeLog(three), 512, 2n ** 63n), /beyond any disk/],
    ['an absurd length', withU64(encodeLog(three), 520, 2n ** 40n), /beyond any disk|past the end/],
    [
      'a discard',
      encodeLog([{ sector: 1, sectors: 0, flags: logFlags.discard }]),
      /neither a write nor a flush/,
    ],
    ['a mark', encodeLog([{ sector: 0, sectors: 0, flags: logFlags.mark }]), /neither a write nor a flush/],
  ])('refuses %s', (_, bytes, message) => {
    expect(() => read(bytes)).toThrow(message);
    expect(() => read(bytes)).toThrow(expect.objectContaining({ code: 'ERR_VGPU_POWERCUT_WRITE_LOG' }));
  });

  it('answers damage with entries inside the file or an error of its own', () => {
    const whole = encodeLog(three);
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.nat(whole.length - 1), fc.nat(255)), { maxLength: 8 }),
        fc.nat(whole.length),
        (changes, length) => {
          const bytes = Buffer.from(whole);
          for (const [at, value] of changes) bytes[at] = value;
          try {
            const { sectorBytes, entries } = read(bytes.subarray(0, length));
            for (const { dataOffset, sectors } of entries) {
              expect(dataOffset + sectors * sectorBytes).toBeLessThanOrEqual(length);
            }
          } catch (error) {
            expect(error).toBeInstanceOf(PowercutError);
          }
        },
      ),
    );
  });
});

function withU64(bytes: Buffer, at: number, value: bigint): Buffer {
  bytes.writeBigUInt64LE(value, at);
  return bytes;
}
