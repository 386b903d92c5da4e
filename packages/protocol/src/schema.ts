// What an entry of the table may say. Everything that is generated is generated from values of these types.
import { z } from 'zod';

/** How a parameter travels between guest and executor. */
export const parameterRole = z.discriminatedUnion('role', [
  /** By value, guest to executor. */
  z.object({ role: z.literal('in') }).strict(),
  /** The value behind the pointer comes back. An optional one may be NULL: the guest then drops the value. */
  z.object({ role: z.literal('out'), optional: z.boolean() }).strict(),
  /** A buffer the executor reads; its length in bytes is another parameter's value. */
  z.object({ role: z.literal('bytesIn'), length: z.string() }).strict(),
  /** A buffer the executor fills; its length in bytes is another parameter's value. */
  z.object({ role: z.literal('bytesOut'), length: z.string() }).strict(),
  /** A NUL-terminated string of at most `limit` bytes without the NUL. */
  z.object({ role: z.literal('stringIn'), limit: z.number().int().positive() }).strict(),
]);
export type ParameterRole = z.infer<typeof parameterRole>;

export const parameter = z.object({ type: z.string().min(1), name: z.string().regex(/^\w+$/) }).strict();
export type Parameter = z.infer<typeof parameter>;

export const prototype = z
  .object({ returns: z.string().min(1), name: z.string().regex(/^\w+$/), parameters: z.array(parameter) })
  .strict();
export type Prototype = z.infer<typeof prototype>;

const common = {
  prototype,
  /** `internal` calls exist between guest and executor only; programs cannot see them. */
  api: z.enum(['driver', 'runtime', 'nvml', 'cublas', 'internal']),
  /** The CUDA version (major × 1000 + minor × 10) that brought this form: cuGetProcAddress selects by it. */
  since: z.number().int().min(0).max(99990),
};

export const callEntry = z.discriminatedUnion('kind', [
  z
    .object({
      ...common,
      kind: z.literal('remote'),
      roles: z.record(z.string(), parameterRole),
      /** Needs a current context; without one the guest answers CUDA_ERROR_INVALID_CONTEXT by itself. */
      needsContext: z.boolean(),
      /** Sent without waiting; its error surfaces at the next call that synchronises. */
      deferred: z.boolean(),
      /** Reports the error of an earlier deferred call when it has none of its own. */
      synchronises: z.boolean(),
      /** What happens while the stream or an event among the parameters belongs to a capture. */
      whileCapturing: z.enum(['allowed', 'refused']),
    })
    .strict(),
  /** Answered by hand-written code of the guest. */
  z.object({ ...common, kind: z.literal('local'), why: z.string().min(1) }).strict(),
  /** Generated: `beneath` on the calling thread's own default stream; waits for it when `waits`. */
  z
    .object({
      ...common,
      kind: z.literal('perThread'),
      beneath: z.string().regex(/^\w+$/),
      waits: z.boolean(),
    })
    .strict(),
  /** Generated: the function `beneath` of the driver API, with the runtime's rules about contexts and errors. */
  z
    .object({
      ...common,
      kind: z.literal('forwarded'),
      beneath: z.string().regex(/^cu[A-Z]\w+$/),
      /** Makes the thread's device current first; otherwise the driver is only initialised. */
      needsContext: z.boolean(),
      /** A constant that follows the parameters. */
      followedBy: z.string().regex(/^\w+$/).optional(),
    })
    .strict(),
  /** Exported so that programs load; answers CUDA_ERROR_NOT_SUPPORTED and is logged once by name. */
  z.object({ ...common, kind: z.literal('refused') }).strict(),
]);
export type CallEntry = z.infer<typeof callEntry>;
export type RemoteCall = Extract<CallEntry, { kind: 'remote' }>;
export type LocalCall = Extract<CallEntry, { kind: 'local' }>;
export type PerThreadCall = Extract<CallEntry, { kind: 'perThread' }>;
export type ForwardedCall = Extract<CallEntry, { kind: 'forwarded' }>;
export type RefusedCall = Extract<CallEntry, { kind: 'refused' }>;
