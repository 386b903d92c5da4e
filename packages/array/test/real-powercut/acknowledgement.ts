// How the guest says "this step is durable" in the log itself: when a step of the workload has returned, it writes one
// sector to a partition of its own on the same disk, past the page cache and without a flush. The sector's entry in the
// log comes after all that the step wrote, so a cut behind it must find the step's result. As nothing is flushed, it
// cannot make durable what the step forgot.
import { crc32 } from 'node:zlib';

export const acknowledgementBytes = 512;
const magic = 'VGPUSTEP';

/** Writes the record of step `step` into `target`, which is one sector long. */
export function encodeAcknowledgement(step: number, target: Uint8Array): void {
  const record = Buffer.alloc(acknowledgementBytes);
  record.write(magic, 'latin1');
  record.writeUInt32LE(step, 8);
  record.writeUInt32LE(crc32(record.subarray(0, 12)), 12);
  target.set(record);
}

/** The step that a sector acknowledges, or undefined where it is no acknowledgement. */
export function decodeAcknowledgement(bytes: Uint8Array): number | undefined {
  const record = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (record.length !== acknowledgementBytes || record.toString('latin1', 0, 8) !== magic) return undefined;
  if (record.readUInt32LE(12) !== crc32(record.subarray(0, 12))) return undefined;
  return record.readUInt32LE(8);
}
