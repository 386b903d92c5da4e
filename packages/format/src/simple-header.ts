// The simple layout: 64 bytes of header, then the payload. Shape and dtype are the business of whoever opened it.
import type { ByteOffset } from './bytes.js';
import { FormatError, InvalidFileFormatError } from './errors.js';

/** "PYCAUSET" in ASCII. Both layouts begin with it. */
export const magicBytes: readonly number[] = [0x50, 0x59, 0x43, 0x41, 0x55, 0x53, 0x45, 0x54];
export const supportedVersion = 1;
export const simpleHeaderBytes = 64;

const versionOffset = 8;
const reservedOffset = 12;

export interface SimpleHeader {
  readonly version: number;
  readonly payloadOffset: ByteOffset;
}

export function encodeHeader(): Uint8Array {
  const bytes = new Uint8Array(simpleHeaderBytes);
  bytes.set(magicBytes);
  bytes[versionOffset] = supportedVersion;
  return bytes;
}

/**
 * Checks the 64 bytes that begin a simple file. It allocates nothing but its result.
 * @throws InvalidFileFormatError truncated, bad-magic, unsupported-version, out-of-range (reserved bytes in use)
 * @throws FormatError ERR_VGPU_FORMAT_ARGUMENT when the bytes are a container's: readContainer reads those.
 */
export function decodeHeader(bytes: Uint8Array): SimpleHeader {
  checkMagicAndVersion(bytes, simpleHeaderBytes);
  let reserved = 0;
  for (let offset = reservedOffset; offset < simpleHeaderBytes; offset++) reserved |= bytes[offset] ?? 0;
  if (reserved !== 0) refuseReserved(bytes);
  return { version: supportedVersion, payloadOffset: simpleHeaderBytes as ByteOffset };
}

/** What both layouts share. `needed` is how many bytes the header in question has. */
export function checkMagicAndVersion(bytes: Uint8Array, needed: number): void {
  for (let offset = 0; offset < magicBytes.length && offset < bytes.length; offset++) {
    if (bytes[offset] !== magicBytes[offset]) {
      throw new InvalidFileFormatError('bad-magic', 'the file does not begin with PYCAUSET', {
        offset,
        found: bytes[offset] ?? 0,
        expected: magicBytes[offset] ?? 0,
      });
    }
  }
  if (bytes.length >= versionOffset + 4) {
    const version = readVersion(bytes);
    if (version !== supportedVersion) {
      throw new InvalidFileFormatError('unsupported-version', 'the file has another format version', {
        offset: versionOffset,
        found: version,
        expected: supportedVersion,
      });
    }
  }
  if (bytes.length < needed) {
    throw new InvalidFileFormatError('truncated', 'the header is cut off', {
      offset: bytes.length,
      found: `${bytes.length} bytes`,
      expected: `${needed} bytes`,
    });
  }
}

function readVersion(bytes: Uint8Array): number {
  // Arithmetic instead of a DataView, which would be an allocation per header.
  const low = (bytes[8] ?? 0) | ((bytes[9] ?? 0) << 8);
  const high = (bytes[10] ?? 0) | ((bytes[11] ?? 0) << 8);
  return low + high * 0x10000;
}

function refuseReserved(bytes: Uint8Array): never {
  const offset = bytes.findIndex((byte, index) => index >= reservedOffset && byte !== 0);
  if (bytes[reservedOffset] === 1) {
    throw new FormatError('ERR_VGPU_FORMAT_ARGUMENT', 'this is a container, not a simple file', {
      remedy: 'Read it with readContainer.',
    });
  }
  throw new InvalidFileFormatError('out-of-range', 'a reserved byte of the header is in use', {
    offset,
    found: bytes[offset] ?? 0,
    expected: 0,
  });
}
