// @ts-check
// Moves the program headers of a shared library to its end, so that a file that has lost its end has lost them.
//
// glibc's loader maps what they say, whatever the file has, and whoever touches what is behind its end dies of SIGBUS:
// where /etc/ld.so.preload names the library, every process. But it reads them before it maps anything, wherever they
// are (elf/dl-load.c, open_verify: "cannot read file data"), and without them it leaves the library out with a warning.

const BYTES_OF_FILE_HEADER = 64;
const BYTES_OF_ONE = 56;
const LOAD = 1;
const DESCRIBES_ITSELF = 6;
// What a file system writes or loses at once: no part of the headers can then be missing without the rest.
const BLOCK = 4096;

/**
 * @param {Buffer} file 64-bit, little-endian ELF (System V ABI, "Object Files")
 * @returns {Buffer} the same with its program headers last
 * @throws {Error} for another kind of file, and for one that has done with its headers what is not expected here
 */
export function headersLast(file) {
  if (
    file.length < BYTES_OF_FILE_HEADER ||
    file.readUInt32BE(0) !== 0x7f454c46 ||
    file[4] !== 2 ||
    file[5] !== 1
  )
    throw new Error('not a 64-bit little-endian ELF file');
  const [offset, size, count] = [
    Number(file.readBigUInt64LE(32)),
    file.readUInt16LE(54),
    file.readUInt16LE(56),
  ];
  const end = offset + size * count;
  if (size !== BYTES_OF_ONE || count === 0 || end > file.length) throw new Error('no program headers');
  if (BYTES_OF_ONE * count > BLOCK)
    throw new Error(`${count} program headers are more than fit into a block`);
  const headers = file.subarray(offset, end);
  const place = placeFor(headers, file.length);
  const moved = Buffer.alloc(place + headers.length);
  file.copy(moved);
  headers.copy(moved, place);
  moved.writeBigUInt64LE(BigInt(place), 32);
  return moved;
}

/**
 * Undoes it: strip and its like know program headers only where linkers put them, where they are still.
 * @param {Buffer} file
 * @returns {Buffer} the file itself where they are not last
 * @throws {Error} when something has been written in their place
 */
export function headersFirst(file) {
  const place = Number(file.readBigUInt64LE(32));
  if (place === BYTES_OF_FILE_HEADER) return file;
  const headers = file.subarray(place);
  const before = file.subarray(BYTES_OF_FILE_HEADER, BYTES_OF_FILE_HEADER + headers.length);
  if (headers.length === 0 || !headers.equals(before))
    throw new Error('its program headers are neither first nor those that were moved to its end');
  const restored = Buffer.from(file.subarray(0, place));
  restored.writeBigUInt64LE(BigInt(BYTES_OF_FILE_HEADER), 32);
  return restored;
}

/**
 * Outside of what is mapped, in whole pages: the loader would look for the headers there, in memory.
 * @param {Buffer} headers
 * @param {number} length
 */
function placeFor(headers, length) {
  let place = length;
  for (let at = 0; at < headers.length; at += BYTES_OF_ONE) {
    const type = headers.readUInt32LE(at);
    if (type === DESCRIBES_ITSELF) throw new Error('its program headers say where they are in memory');
    if (type !== LOAD) continue;
    const [begin, bytes, page] = [8, 32, 48].map((field) => Number(headers.readBigUInt64LE(at + field)));
    place = Math.max(place, roundUp((begin ?? 0) + (bytes ?? 0), page ?? BLOCK));
  }
  return roundUp(place, BLOCK);
}

/** @param {number} value @param {number} unit */
function roundUp(value, unit) {
  return Math.ceil(value / unit) * unit;
}
