// VGPU_SOAK=1000 for the long form (pnpm soak).
import { expect, it } from 'vitest';
import { leftovers, soak } from './soak.js';

const CLIENTS = Number(process.env.VGPU_SOAK ?? 64);

it(`${CLIENTS} clients one after the other, then 64 at a time, leave nothing over`, {
  timeout: 60_000 + CLIENTS * 500,
}, async () => {
  const result = await soak(CLIENTS, 64);
  process.stdout.write(`${JSON.stringify(result)}\n`);
  expect(leftovers(result)).toEqual([]);
});
