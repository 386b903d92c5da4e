import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  crc32,
  decodeMetadata,
  encodeMetadata,
  FormatError,
  InvalidFileFormatError,
  type MetadataMap,
  type MetadataValue,
  meta,
} from '../src/index.js';

const text = fc.string({ unit: 'binary', maxLength: 12 });

const { value: anyValue } = fc.letrec<{ value: MetadataValue }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 4, withCrossShrink: true },
    fc.boolean().map(meta.bool),
    fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }).map(meta.i64),
    fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }).map(meta.u64),
    fc.double().map(meta.f64),
    text.map(meta.string),
    fc.uint8Array({ maxLength: 12 }).map(meta.bytes),
    fc.array(tie('value'), { maxLength: 4 }).map(meta.array),
    mapOf(tie('value')).map((value): MetadataValue => ({ type: 'map', value })),
  ),
}));
const anyMap = mapOf(anyValue);

function mapOf(value: fc.Arbitrary<MetadataValue>): fc.Arbitrary<MetadataMap> {
  return fc.array(fc.tuple(text, value), { maxLength: 5 }).map((entries) => new Map(entries));
}

/** A block with a right checksum around whatever is given. */
function block(payload: readonly number[]): Uint8Array {
  const bytes = encodeMetadata(new Map());
  const result = new Uint8Array(32 + payload.length);
  result.set(bytes.subarray(0, 32));
  result.set(payload, 32);
  const view = new DataView(result.buffer);
  view.setBigUint64(16, BigInt(payload.length), true);
  view.setUint32(24, crc32(result.subarray(32)), true);
  return result;
}

function refusal(action: () => unknown): FormatError {
  try {
    action();
  } catch (error) {
    if (error instanceof FormatError) return error;
    throw error;
  }
  throw new Error('nothing was thrown');
}

const u32 = (value: number) => [value & 0xff, (value >> 8) & 0xff, (value >> 16) & 0xff, value >>> 24];
const mapWith = (...entries: number[][]) => [8, ...u32(entries.length), ...entries.flat()];
const key = (name: string) => [name.length, 0, ...new TextEncoder().encode(name)];

describe('metadata', () => {
  test('comes back as it was written, with the same bytes', () => {
    fc.assert(
      fc.property(anyMap, (map) => {
        const bytes = encodeMetadata(map);
        const again = decodeMetadata(bytes);
        expect(again).toEqual(map);
        expect(encodeMetadata(again)).toEqual(bytes);
      }),
      { numRuns: 1000 },
    );
  });

  test('keys are written in the order of their bytes, not of their UTF-16 units', () => {
    const bytes = encodeMetadata(
      new Map([
        ['\u{10000}', meta.bool(true)],
        ['\uffff', meta.bool(true)],
        ['a', meta.bool(true)],
      ]),
    );
    expect([...decodeMetadata(bytes).keys()]).toEqual(['a', '\uffff', '\u{10000}']);
  });

  test('a byte order mark stays in a string', () => {
    const map = new Map([['\ufeffkey', meta.string('\ufeffvalue')]]);
    expect(decodeMetadata(encodeMetadata(map))).toEqual(map);
  });

  test('a key may be named like a property of every object', () => {
    const map = new Map([
      ['__proto__', meta.u64(1)],
      ['constructor', meta.u64(2)],
    ]);
    expect(decodeMetadata(encodeMetadata(map))).toEqual(map);
  });

  test.each<[string, readonly number[]]>([
    ['an unknown tag', mapWith([...key('a'), 9, 0])],
    ['tag 0', mapWith([...key('a'), 0, 0])],
    ['a boolean of 2', mapWith([...key('a'), 1, 2])],
    ['a string that is no UTF-8', mapWith([...key('a'), 5, ...u32(1), 0xff])],
    ['a string longer than the block', mapWith([...key('a'), 5, ...u32(0xffffffff)])],
    ['bytes longer than the block', mapWith([...key('a'), 6, ...u32(0xffffffff)])],
    ['an array with more items than fit', mapWith([...key('a'), 7, ...u32(0xffffffff)])],
    ['a map with more entries than fit', [8, ...u32(0xffffffff)]],
    ['a key twice', mapWith([...key('a'), 1, 1], [...key('a'), 1, 0])],
    ['an integer cut off', mapWith([...key('a'), 2, 1, 2, 3])],
    ['something behind the map', [...mapWith(), 0]],
    ['an array at the top', [7, ...u32(0)]],
    ['nothing', []],
    [
      'deep nesting',
      [...mapWith([...key('a')]), ...Array.from({ length: 70 }, () => [7, ...u32(1)]).flat(), 1, 1],
    ],
  ])('%s is refused', (_, payload) => {
    expect(refusal(() => decodeMetadata(block(payload)))).toMatchObject({ reason: 'bad-metadata' });
  });

  test('damage anywhere in the block is noticed', () => {
    const bytes = encodeMetadata(
      new Map([
        ['rows', meta.u64(3)],
        ['name', meta.string('x')],
      ]),
    );
    for (let offset = 0; offset < bytes.length; offset++) {
      const damaged = bytes.slice();
      damaged[offset] = (damaged[offset] ?? 0) ^ 0x10;
      expect(refusal(() => decodeMetadata(damaged))).toBeInstanceOf(InvalidFileFormatError);
    }
    for (let length = 0; length < bytes.length; length++) {
      expect(refusal(() => decodeMetadata(bytes.subarray(0, length)))).toBeInstanceOf(InvalidFileFormatError);
    }
  });

  test('the offset in an error counts from the start of the file', () => {
    expect(refusal(() => decodeMetadata(block([7, 0, 0, 0, 0]), 4096))).toMatchObject({ offset: 4096 + 32 });
  });

  test.each<[string, MetadataMap]>([
    ['an integer too large for u64', new Map([['a', meta.u64(2n ** 64n)]])],
    ['a negative u64', new Map([['a', meta.u64(-1)]])],
    ['an integer too large for i64', new Map([['a', meta.i64(2n ** 63n)]])],
    ['half a surrogate pair', new Map([['a', meta.string('\ud800')]])],
    ['half a surrogate pair in a key', new Map([['\udc00', meta.bool(true)]])],
    ['a key of 64 KiB', new Map([['k'.repeat(65536), meta.bool(true)]])],
    [
      'deep nesting',
      new Map([
        [
          'a',
          Array.from({ length: 70 }).reduce<MetadataValue>((inner) => meta.array([inner]), meta.bool(true)),
        ],
      ]),
    ],
  ])('%s is not written', (_, map) => {
    expect(refusal(() => encodeMetadata(map))).toMatchObject({ code: 'ERR_VGPU_FORMAT_ARGUMENT' });
  });

  test('a block above 16 MiB is refused before it is read, and not written', () => {
    const large = new Map([['a', meta.bytes(new Uint8Array(16 * 2 ** 20))]]);
    expect(refusal(() => encodeMetadata(large))).toMatchObject({ code: 'ERR_VGPU_FORMAT_ARGUMENT' });
    expect(refusal(() => decodeMetadata(new Uint8Array(16 * 2 ** 20 + 1)))).toMatchObject({ offset: 0 });
  });

  test('what was read does not change with the buffer it was read from, a Node Buffer included', () => {
    const bytes = Buffer.from(encodeMetadata(new Map([['a', meta.bytes(Uint8Array.of(1, 2))]])));
    const map = decodeMetadata(bytes);
    bytes.fill(0);
    expect(map.get('a')).toEqual(meta.bytes(Uint8Array.of(1, 2)));
  });

  test('any bytes with a right checksum give a map or a typed error', () => {
    fc.assert(
      fc.property(fc.array(fc.oneof(fc.nat(8), fc.nat(255)), { maxLength: 60 }), (payload) => {
        try {
          const map = decodeMetadata(block(payload));
          expect(decodeMetadata(encodeMetadata(map))).toEqual(map);
        } catch (error) {
          if (!(error instanceof InvalidFileFormatError)) throw error;
        }
      }),
      { numRuns: 5000 },
    );
  });
});
