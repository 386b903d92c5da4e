import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  byteLength,
  byteOffset,
  crc32,
  decodeHeader,
  detectFormat,
  encodeHeader,
  encodePreamble,
  FormatError,
  InvalidFileFormatError,
  isFormatError,
} from '../src/index.js';

function problemOf(action: () => unknown): string | undefined {
  try {
    action();
  } catch (error) {
    if (error instanceof InvalidFileFormatError) return error.reason;
    if (error instanceof FormatError) return error.code;
    throw error;
  }
  return undefined;
}

function changed(offset: number, value: number): Uint8Array {
  const bytes = encodeHeader();
  bytes[offset] = value;
  return bytes;
}

describe('the simple header', () => {
  test('is 64 bytes: magic, version, zeros', () => {
    const bytes = encodeHeader();
    expect(new TextDecoder().decode(bytes.subarray(0, 8))).toBe('PYCAUSET');
    expect([...bytes.subarray(8)]).toEqual([1, ...Array.from({ length: 55 }, () => 0)]);
    expect(decodeHeader(bytes)).toEqual({ version: 1, payloadOffset: 64 });
    expect(detectFormat(bytes)).toBe('simple');
  });

  test('may be followed by anything', () => {
    expect(decodeHeader(Uint8Array.of(...encodeHeader(), 1, 2, 3)).payloadOffset).toBe(64);
  });

  test.each<[string, Uint8Array, string]>([
    ['nothing', new Uint8Array(), 'truncated'],
    ['half a magic', encodeHeader().subarray(0, 5), 'truncated'],
    ['half a header', encodeHeader().subarray(0, 63), 'truncated'],
    ['another magic', changed(0, 0x51), 'bad-magic'],
    ['text', new TextEncoder().encode('hello'), 'bad-magic'],
    ['version 0', changed(8, 0), 'unsupported-version'],
    ['version 2', changed(8, 2), 'unsupported-version'],
    ['a version with a high byte', changed(11, 0x80), 'unsupported-version'],
    ['a version that is cut off behind it', changed(8, 2).subarray(0, 12), 'unsupported-version'],
    ['the last reserved byte in use', changed(63, 1), 'out-of-range'],
    ['a container', Uint8Array.of(...encodePreamble(), ...new Uint8Array(256)), 'ERR_VGPU_FORMAT_ARGUMENT'],
  ])('%s is refused', (_, bytes, problem) => {
    expect(problemOf(() => decodeHeader(bytes))).toBe(problem);
  });

  test('every change of one byte is noticed', () => {
    for (let offset = 0; offset < 64; offset++) {
      expect(problemOf(() => decodeHeader(changed(offset, 0xa5)))).toBeDefined();
    }
  });

  test('any bytes give a header or a typed error', () => {
    const almost = fc.tuple(fc.nat(80), fc.nat(63), fc.nat(255)).map(([length, offset, value]) => {
      return changed(offset, value).subarray(0, length);
    });
    fc.assert(
      fc.property(fc.oneof(fc.uint8Array({ maxLength: 100 }), almost), (bytes) => {
        problemOf(() => decodeHeader(bytes));
        expect(['simple', 'container', 'npy', 'unknown']).toContain(detectFormat(bytes));
      }),
      { numRuns: 5000 },
    );
  });
});

describe('errors', () => {
  test('name where, what was found and what was expected', () => {
    const error = problemError(() => decodeHeader(changed(8, 7)));
    expect(error).toMatchObject({
      name: 'InvalidFileFormatError',
      code: 'ERR_VGPU_FORMAT_UNSUPPORTED_VERSION',
      reason: 'unsupported-version',
      offset: 8,
      found: 7,
      expected: 1,
      values: { reason: 'unsupported-version', offset: 8, found: 7, expected: 1 },
    });
    expect(isFormatError(error)).toBe(true);
    expect(isFormatError(new Error('another'))).toBe(false);
  });
});

function problemError(action: () => unknown): unknown {
  try {
    action();
  } catch (error) {
    return error;
  }
  throw new Error('nothing was thrown');
}

describe('crc32', () => {
  test('is the one of zlib', () => {
    expect(crc32(new TextEncoder().encode('123456789'))).toBe(0xcbf43926);
    expect(crc32(new Uint8Array())).toBe(0);
  });

  test('can be continued anywhere', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 100 }), fc.nat(100), (bytes, cut) => {
        expect(crc32(bytes.subarray(cut), crc32(bytes.subarray(0, cut)))).toBe(crc32(bytes));
      }),
    );
  });
});

test('offsets are whole numbers that a double holds exactly', () => {
  expect(byteOffset(4096)).toBe(4096);
  expect(byteLength(0)).toBe(0);
  for (const value of [-1, 0.5, Number.NaN, 2 ** 53]) {
    expect(problemOf(() => byteOffset(value))).toBe('ERR_VGPU_FORMAT_ARGUMENT');
    expect(problemOf(() => byteLength(value))).toBe('ERR_VGPU_FORMAT_ARGUMENT');
  }
});
