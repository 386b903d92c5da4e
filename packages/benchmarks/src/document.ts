// What `pnpm bench --json` writes.
import { z } from 'zod';

export const goal = z.union([z.strictObject({ least: z.number() }), z.strictObject({ most: z.number() })]);

const quantity = z.strictObject({
  what: z.string(),
  /** What it was measured beside, in turn; the value is then a ratio of both. */
  beside: z.string().optional(),
  value: z.number(),
  unit: z.enum(['×', 'ns', 'µs', 'ms', '/s', 'GB/s', 'instructions']),
  goal: goal.optional(),
});

const machine = z.strictObject({
  processor: z.string(),
  logicalProcessors: z.int(),
  memoryBytes: z.int(),
  system: z.string(),
  kernel: z.string(),
  architecture: z.string(),
  node: z.string(),
  /** Processes that wanted to run, on average of the minute before: more than none of them disturbs. */
  load: z.number(),
});

const measured = z.strictObject({
  name: z.string(),
  /** From the repository's root, how to measure it again. */
  command: z.string(),
  seconds: z.number(),
  /** Why there are no quantities: it failed. */
  error: z.string().optional(),
  /** Why there are none either: what it needs is not here. */
  skipped: z.string().optional(),
  quantities: z.array(quantity.extend({ met: z.boolean().optional() })),
});

export const benchmarkDocument = z.strictObject({
  schemaVersion: z.literal(1),
  command: z.literal('bench'),
  /** No benchmark failed. Goals that were not met are said of each quantity. */
  ok: z.boolean(),
  startedAt: z.iso.datetime(),
  machine,
  benchmarks: z.array(measured),
});

export type Quantity = z.infer<typeof quantity>;
export type Machine = z.infer<typeof machine>;
export type Measured = z.infer<typeof measured>;
export type BenchmarkDocument = z.infer<typeof benchmarkDocument>;
