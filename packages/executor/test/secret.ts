// What a client keeps in device memory, so that it shows whether another one has changed it.
import { expect } from 'vitest';
import { counted, type RawClient, u64 } from './raw-client.js';
import { PRIVATE_BYTES } from './requests.js';

const SECRET = Buffer.alloc(PRIVATE_BYTES, 'a byte of another client ');

/** Into PRIVATE_BYTES at `address`. */
export async function writeSecret(client: RawClient, address: bigint): Promise<void> {
  await client.call('vgpuCopyToDevice', u64(address), u64(PRIVATE_BYTES), u64(0), counted(SECRET));
}

export async function expectSecret(client: RawClient, address: bigint): Promise<void> {
  const { payload } = await client.call(
    'vgpuCopyFromDevice',
    ...[address, PRIVATE_BYTES, PRIVATE_BYTES, 0].map(u64),
  );
  expect(payload.equals(SECRET)).toBe(true);
}
