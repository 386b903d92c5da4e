// Files as crashes and bad disks leave them.
import { closeSync, openSync, readSync, writeSync } from 'node:fs';
import { PersistentArray } from '@vgpu/array';

/** A 1 × 2 array of u8, whose in-place update set the first element and never finished. */
export async function makeDirty(path: string, value: number): Promise<void> {
  const descriptor = { structure: 'dense', dtype: 'u8', rows: 1, columns: 2 } as const;
  await using array = await PersistentArray.create(path, descriptor, { update: 'in-place' });
  await array.begin();
  array.set(0, 0, value);
}

/** Turns over all bits of one byte. */
export function flipByte(path: string, offset: number): void {
  const file = openSync(path, 'r+');
  try {
    const byte = Buffer.alloc(1);
    readSync(file, byte, 0, 1, offset);
    byte.writeUInt8(byte.readUInt8() ^ 0xff);
    writeSync(file, byte, 0, 1, offset);
  } finally {
    closeSync(file);
  }
}
