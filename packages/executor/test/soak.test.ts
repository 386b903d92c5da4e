// VGPU_SOAK=1000 for the long form (pnpm soak); VGPU_SOAK_CLIENT for a program as the client (preload-shim's soak).
import { expect, it } from 'vitest';
import { leftovers, soak } from './soak.js';

const CLIENTS = Number(process.env.VGPU_SOAK ?? 64);
const PROGRAM = process.env.VGPU_SOAK_CLIENT?.split(' ');

it(`${CLIENTS} clients one after the other, then 64 at a time, leave nothing over`, {
  timeout: 60_000 + CLIENTS * 500,
}, async () => {
  const result = await soak(CLIENTS, 64, PROGRAM);
  process.stdout.write(`${JSON.stringify(result)}\n`);
  expect(leftovers(result)).toEqual([]);
});
