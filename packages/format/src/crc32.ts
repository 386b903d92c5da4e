// CRC-32 with the polynomial of zlib, PNG and Ethernet.

/** Bytes taken per step: one table each, so that a step needs no dependent look-ups. */
const SLICES = 8;
const tables = makeTables();

function makeTables(): Uint32Array {
  const table = new Uint32Array(SLICES * 256);
  for (let byte = 0; byte < 256; byte++) {
    let remainder = byte;
    for (let bit = 0; bit < 8; bit++) remainder = (remainder >>> 1) ^ (remainder & 1 ? 0xedb88320 : 0);
    table[byte] = remainder;
  }
  for (let index = 256; index < table.length; index++) {
    const previous = at(table, index - 256);
    table[index] = (previous >>> 8) ^ at(table, previous & 0xff);
  }
  return table;
}

function at(table: Uint32Array, index: number): number {
  return table[index] as number;
}

/** `previous` continues a checksum: crc32(b, crc32(a)) is that of a followed by b. */
export function crc32(bytes: Uint8Array, previous = 0): number {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let crc = ~previous;
  let position = 0;
  for (; position + SLICES <= bytes.length; position += SLICES) {
    const low = crc ^ view.getInt32(position, true);
    const high = view.getInt32(position + 4, true);
    crc =
      at(tables, 0x700 | (low & 0xff)) ^
      at(tables, 0x600 | ((low >>> 8) & 0xff)) ^
      at(tables, 0x500 | ((low >>> 16) & 0xff)) ^
      at(tables, 0x400 | (low >>> 24)) ^
      at(tables, 0x300 | (high & 0xff)) ^
      at(tables, 0x200 | ((high >>> 8) & 0xff)) ^
      at(tables, 0x100 | ((high >>> 16) & 0xff)) ^
      at(tables, high >>> 24);
  }
  for (; position < bytes.length; position++) {
    crc = (crc >>> 8) ^ at(tables, (crc ^ view.getUint8(position)) & 0xff);
  }
  return ~crc >>> 0;
}
