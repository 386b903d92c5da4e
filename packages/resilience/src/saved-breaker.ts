// The state of a breaker as plain data, which may have been in a file or in another process.
import { z } from 'zod';
import { ResilienceError } from './errors.js';

const faultSchema = z.strictObject({
  kind: z.enum(['caller', 'out-of-memory', 'absent', 'transient', 'context-dead', 'gone', 'unclassified']),
  source: z.enum(['driver', 'runtime', 'xid', 'condition']),
  code: z.union([z.number().int(), z.string()]),
  name: z.string(),
});

const time = z.number().nonnegative();

const savedBreakerSchema = z.strictObject({
  version: z.literal(1),
  forced: z.enum(['open', 'closed']).nullable(),
  failures: z.array(time).max(10_000),
  state: z.discriminatedUnion('status', [
    z.strictObject({ status: z.literal('closed') }),
    z.strictObject({ status: z.literal('open'), cause: faultSchema, since: time, until: time.nullable() }),
    z.strictObject({ status: z.literal('half-open'), cause: faultSchema }),
  ]),
});

/**
 * What `CircuitBreaker.save()` returns: survives `JSON.stringify` and `structuredClone`. Times are in ms, by the
 * breaker's clock.
 */
export type SavedBreaker = z.infer<typeof savedBreakerSchema>;

/** @throws ResilienceError `ERR_VGPU_RESILIENCE_SAVED_STATE` where it is anything but a saved state */
export function parseSavedBreaker(value: unknown): SavedBreaker {
  const { data, error } = savedBreakerSchema.safeParse(value);
  if (data !== undefined) return data;
  throw new ResilienceError(
    'ERR_VGPU_RESILIENCE_SAVED_STATE',
    `not the saved state of a circuit breaker: ${z.prettifyError(error)}`,
    { cause: error, remedy: 'Pass what save() has returned, or nothing to start afresh.' },
  );
}
