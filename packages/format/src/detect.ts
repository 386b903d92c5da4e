import { npyMagic } from './npy-header.js';
import { magicBytes, simpleHeaderBytes } from './simple-header.js';

export type FileKind = 'simple' | 'container' | 'npy' | 'unknown';

/**
 * Which reader the bytes are for; the first 64 are enough. It never throws and promises nothing about the rest:
 * a damaged file is still recognised, so that its reader can say what is wrong with it.
 */
export function detectFormat(bytes: Uint8Array): FileKind {
  if (startsWith(bytes, npyMagic)) return 'npy';
  if (!startsWith(bytes, magicBytes)) return 'unknown';
  // The two layouts share magic and version; a container has something in the bytes that a simple header reserves.
  for (let offset = 12; offset < simpleHeaderBytes && offset < bytes.length; offset++) {
    if (bytes[offset] !== 0) return 'container';
  }
  return 'simple';
}

function startsWith(bytes: Uint8Array, prefix: readonly number[]): boolean {
  return bytes.length >= prefix.length && prefix.every((byte, index) => bytes[index] === byte);
}
