// The shape of an executor's status. A module of its own: loading the schema library takes longer than starting an
// executor, and only who asks for a status needs it.
import { z } from 'zod';
import type { ExecutorStatus } from './status.js';

const count = z.number().int().nonnegative();
const time = count.transform((milliseconds) => new Date(milliseconds));

const status = z.object({
  processId: count,
  backend: z.string(),
  startedAt: time,
  maximumClients: count,
  memoryBytes: count,
  memoryInUseBytes: count,
  clientMemoryBytes: count,
  totals: z.object({ clients: count, calls: count, kernels: count }),
  clients: z.array(
    z.object({
      program: z.string(),
      processId: count,
      userId: count.optional(),
      address: z.string().optional(),
      workerProcessId: count,
      connectedAt: time,
      memoryBytes: count,
      calls: count,
      kernels: count,
      busyMilliseconds: count,
    }),
  ),
});

/** @throws z.ZodError, SyntaxError */
export function parseStatus(json: string): ExecutorStatus {
  return status.parse(JSON.parse(json));
}
