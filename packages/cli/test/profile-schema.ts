// The document of `vgpu profile --json`, field by field: a field that goes or changes its type is noticed here.
import { z } from 'zod';

const count = z.int().nonnegative();
const size = z.tuple([count, count, count]);
const costs = { bytes: count, sectors: count, bankConflicts: count };
const executed = { warpInstructions: count, threadInstructions: count };

export const profileSchema = z.strictObject({
  schemaVersion: z.literal(1),
  program: z.string(),
  args: z.array(z.string()),
  complete: z.boolean(),
  kernels: z.array(
    z.strictObject({
      name: z.string(),
      process: z.int().positive(),
      launches: z.int().positive(),
      failed: count,
      totalNs: count,
      leastNs: count,
      mostNs: count,
      meanNs: z.number().nonnegative(),
      ...executed,
      activeLanes: z.number().min(0).max(32),
      branches: count,
      divergentBranches: count,
      shapes: z.array(z.strictObject({ grid: size, block: size, launches: z.int().positive() })),
      instructions: z.array(z.strictObject({ class: z.string(), ...executed })),
      traffic: z.array(
        z.strictObject({
          space: z.enum(['global', 'constant', 'shared', 'local', 'parameter']),
          operation: z.enum(['load', 'store', 'atomic']),
          requests: count,
          bankPasses: count,
          ...costs,
          efficiency: z.number().nonnegative().nullable(),
        }),
      ),
      lines: z.array(
        z.strictObject({
          ptxLine: z.int().positive(),
          text: z.string(),
          function: z.string(),
          file: z.string().optional(),
          line: z.int().positive().optional(),
          ...executed,
          ...costs,
          divergentBranches: count,
        }),
      ),
    }),
  ),
});
