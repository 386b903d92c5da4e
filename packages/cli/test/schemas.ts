// The documents that --json prints, field by field: a field that goes or changes its type is noticed here.
import { z } from 'zod';

const integer = z.union([z.int(), z.string().regex(/^-?\d+$/)]);
const extent = z.strictObject({ offset: integer, length: integer });

const errorSchema = z.strictObject({
  code: z.string().regex(/^ERR_VGPU_[A-Z0-9_]+$/),
  message: z.string().min(1),
  remedy: z.string().optional(),
  values: z.record(z.string(), z.unknown()).optional(),
  cause: z.string().optional(),
});

const warning = z.strictObject({ code: z.string(), message: z.string(), offset: z.int() });

/** The fields of every document, and those of one command. */
function documentOf<T extends z.ZodRawShape>(command: string, fields: T) {
  return z.strictObject({
    schemaVersion: z.literal(1),
    command: z.literal(command),
    ok: z.boolean(),
    ...fields,
  });
}

/** What a command prints that failed. */
export const failureSchema = z.strictObject({
  schemaVersion: z.literal(1),
  command: z.string(),
  ok: z.literal(false),
  error: errorSchema,
});

const array = z.looseObject({
  structure: z.string(),
  rows: z.int(),
  columns: z.int(),
  dtype: z.string().optional(),
  payloadUuid: z.string(),
  view: z.strictObject({
    transposed: z.boolean(),
    conjugated: z.boolean(),
    scalar: z.strictObject({ re: z.number(), im: z.number() }),
  }),
});

export const inspectSchema = documentOf('file inspect', {
  path: z.string(),
  kind: z.enum(['simple', 'container', 'npy', 'unknown']),
  bytes: z.int(),
  allocatedBytes: z.int(),
  slots: z.array(
    z.strictObject({
      name: z.enum(['A', 'B']),
      generation: integer,
      payload: extent,
      metadata: extent,
      hot: extent,
      checksumOk: z.boolean(),
      active: z.boolean(),
      valid: z.boolean(),
      reason: z.string().min(1),
    }),
  ),
  array: array.nullable(),
  npy: z
    .strictObject({
      version: z.int(),
      dtype: z.string(),
      littleEndian: z.boolean(),
      fortranOrder: z.boolean(),
      shape: z.array(z.int()),
      dataOffset: z.int(),
    })
    .nullable(),
  payload: extent.nullable(),
  committed: z.boolean().nullable(),
  metadata: z.record(z.string(), z.unknown()).nullable(),
  checksum: z.strictObject({ algorithm: z.string(), chunkBytes: z.int(), chunks: z.int() }).nullable(),
  warnings: z.array(warning),
  regions: z.array(
    z.strictObject({
      kind: z.enum(['header', 'slot', 'payload', 'metadata', 'hot', 'gap']),
      name: z.string().min(1),
      offset: z.int(),
      length: z.int(),
    }),
  ),
  error: errorSchema.nullable(),
});

export const verifySchema = documentOf('file verify', {
  files: z.array(
    z.strictObject({
      path: z.string(),
      ok: z.boolean(),
      kind: z.enum(['simple', 'container', 'npy', 'unknown']).nullable(),
      checksum: z.enum(['crc32', 'none', 'unknown']).nullable(),
      payloadBytes: z.int().nullable(),
      chunks: z.int().nullable(),
      damaged: z.array(
        z.strictObject({
          chunk: z.int(),
          offset: z.int(),
          length: z.int(),
          rows: z.array(z.strictObject({ first: z.int(), last: z.int() })),
          expected: z.int(),
          found: z.int(),
        }),
      ),
      warnings: z.array(warning),
      error: errorSchema.nullable(),
    }),
  ),
});

const written = { path: z.string(), array, payloadBytes: z.int() };
export const createSchema = documentOf('file create', written);
export const importSchema = documentOf('file import', { ...written, input: z.string() });
export const convertSchema = documentOf('file convert', {
  ...written,
  input: z.string(),
  changedValues: z.int(),
});
export const exportSchema = documentOf('file export', {
  input: z.string(),
  path: z.string(),
  array,
  bytes: z.int(),
  warnings: z.array(warning),
});

const problem = z.looseObject({ code: z.string(), message: z.string() });
const range = z.strictObject({ offset: z.int(), length: z.int() });
const action = z.enum(['accept', 'previous', 'mirror', 'trim']);
export const repairSchema = documentOf('file repair', {
  path: z.string(),
  versions: z.array(
    z.strictObject({
      slot: z.enum(['A', 'B']),
      active: z.boolean(),
      error: errorSchema.nullable(),
      generation: integer.optional(),
      descriptor: array.optional(),
      payload: range.optional(),
      metadata: range.optional(),
      committed: z.boolean().optional(),
      checksum: z.string().optional(),
    }),
  ),
  problems: z.array(problem),
  plan: z.array(action),
  choices: z.array(z.string()),
  remaining: z.array(problem),
  done: z.array(action),
  backup: z.string().nullable(),
});

export const cleanSchema = documentOf('clean', {
  directory: z.string(),
  dryRun: z.boolean(),
  bytes: z.int(),
  files: z.array(
    z.strictObject({
      path: z.string(),
      bytes: z.int(),
      pid: z.int(),
      removed: z.boolean(),
      reason: z.enum(['in-use', 'dry-run', 'failed']).optional(),
      error: errorSchema.optional(),
    }),
  ),
});

const rate = z.number().nonnegative();
export const tortureSchema = documentOf('torture memory', {
  passed: z.boolean(),
  problems: z.array(z.string()),
  memoryBytes: z.int(),
  scratchBytes: z.int(),
  chunkBytes: z.int(),
  directory: z.string(),
  seconds: z.strictObject({ anonymous: rate, file: rate }),
  rss: z.strictObject({ start: z.int(), peak: z.int(), end: z.int(), limit: z.int() }),
  pageCache: z.strictObject({ start: z.int(), peak: z.int(), end: z.int() }),
  notReturnedBytes: z.int(),
  pages: z.strictObject({ checked: z.int(), wrong: z.int() }),
});

const count = z.int().nonnegative();

export const executorStartSchema = documentOf('executor start', {
  url: z.string(),
  processId: count,
  device: z.strictObject({ name: z.string(), memoryBytes: count, backend: z.string() }),
  log: z.string(),
});

export const executorStopSchema = documentOf('executor stop', {
  stopped: z.strictObject({ url: z.string(), processId: count }).nullable(),
});

export const executorStatusSchema = z.union([
  documentOf('executor status', { running: z.literal(false), directory: z.string() }),
  documentOf('executor status', {
    running: z.literal(true),
    url: z.string(),
    processId: count,
    backend: z.string(),
    startedAt: z.iso.datetime(),
    maximumClients: count,
    memoryBytes: count,
    memoryInUseBytes: count,
    clientMemoryBytes: count,
    totals: z.strictObject({ clients: count, calls: count, kernels: count }),
    clients: count,
  }),
]);

export const executorLogsSchema = documentOf('executor logs', {
  path: z.string(),
  lines: z.array(z.string()),
});

export const psSchema = documentOf('ps', {
  url: z.string(),
  memoryInUseBytes: count,
  clients: z.array(
    z.strictObject({
      program: z.string(),
      processId: count,
      userId: count.optional(),
      address: z.string().optional(),
      workerProcessId: count,
      connectedAt: z.iso.datetime(),
      memoryBytes: count,
      calls: count,
      kernels: count,
      busyMilliseconds: count,
      busyFraction: z.number().min(0).max(1),
      kernelsPerSecond: z.number(),
      callsPerSecond: z.number(),
    }),
  ),
});

export const doctorSchema = documentOf('doctor', {
  checks: z.array(
    z.strictObject({
      id: z.string().regex(/^[a-z-]+$/),
      status: z.enum(['ok', 'warning', 'problem', 'skipped']),
      evidence: z.string().min(1),
      remedy: z.string().min(1).optional(),
    }),
  ),
});

export const shimExplainSchema = documentOf('shim explain', {
  operand: z.string(),
  path: z.string().nullable(),
  ignored: z.string().nullable(),
  class: z.enum(['refused', 'early', 'deferred']),
  reason: z.string().min(1),
  name: z.string().nullable(),
  library: z.string().nullish(),
  state: z.string().nullish(),
  configuration: z
    .strictObject({
      path: z.string(),
      line: count,
      problem: z.string().nullable(),
      executor: z.string().nullable(),
    })
    .optional(),
});
