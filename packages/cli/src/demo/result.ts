import { readFileSync } from 'node:fs';
import * as z from 'zod/mini';
import { DemoError } from './errors.js';
import type { Clustering } from './kmeans.js';

const whole = z.int();
const natural = z.int().check(z.nonnegative());

/** What the example program writes; see kmeans_write_result() in examples/cuda/kmeans_host.h. */
const schema = z.object({
  device: z.string().check(z.minLength(1)),
  rounds: z.int().check(z.positive()),
  converged: z.boolean(),
  steps: z.array(
    z.object({
      name: z.string(),
      where: z.enum(['host', 'device']),
      times: natural,
      milliseconds: z.number().check(z.nonnegative()),
    }),
  ),
  centres: z.array(z.tuple([whole, whole])),
  assignment: z.array(whole),
});

export interface ProgramResult extends Clustering {
  device: string;
  steps: z.infer<typeof schema>['steps'];
}

export function readResult(path: string): ProgramResult {
  try {
    const { centres, assignment, ...rest } = schema.parse(JSON.parse(readFileSync(path, 'utf8')));
    return {
      ...rest,
      centres: centres.map(([x, y]) => ({ x, y })),
      assignment: Int32Array.from(assignment),
    };
  } catch (cause) {
    throw new DemoError('ERR_VGPU_DEMO_BAD_RESULT', 'the program wrote a result that makes no sense', {
      cause,
    });
  }
}
