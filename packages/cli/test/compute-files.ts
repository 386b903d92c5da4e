// What `vgpu compute` reads, writes and says, for its tests.
import { readFileSync, writeFileSync } from 'node:fs';
import { encodeNpyHeader, type NpyDtype, readNpy } from '@vgpu/format';
import { z } from 'zod';

export type NpyData = Float64Array | Float32Array | Uint32Array | BigInt64Array | Int16Array | Uint16Array;

/** Gives the path back. */
export function npyFile(path: string, data: NpyData, shape: readonly number[] = [data.length]): string {
  const names = {
    Float64Array: 'f64',
    Float32Array: 'f32',
    Uint32Array: 'u32',
    BigInt64Array: 'i64',
    Int16Array: 'i16',
    // Its bits.
    Uint16Array: 'f16',
  };
  const dtype = names[data.constructor.name as keyof typeof names] as NpyDtype;
  const header = encodeNpyHeader({ dtype, shape });
  const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  writeFileSync(path, Buffer.concat([header, bytes]));
  return path;
}

/** All elements, the last index fastest. */
export function numbers(path: string): { dtype: string; shape: readonly number[]; values: unknown[] } {
  const { dtype, shape, get } = readNpy(readFileSync(path));
  const count = shape.reduce((product, size) => product * size, 1);
  return { dtype, shape, values: Array.from({ length: count }, (_, i) => get(...indicesOf(i, shape))) };
}

function indicesOf(place: number, shape: readonly number[]): number[] {
  return shape.reduceRight<{ rest: number; indices: number[] }>(
    ({ rest, indices }, size) => ({ rest: Math.floor(rest / size), indices: [rest % size, ...indices] }),
    { rest: place, indices: [] },
  ).indices;
}

export const document = z.object({
  schemaVersion: z.literal(1),
  command: z.literal('compute'),
  ok: z.literal(true),
  operation: z.string(),
  inputs: z.array(z.string()),
  outputs: z.array(
    z.object({
      path: z.string(),
      shape: z.strictObject({
        dtype: z.string(),
        rows: z.number(),
        columns: z.number().optional(),
        matrices: z.number().optional(),
      }),
    }),
  ),
  value: z.unknown().optional(),
  device: z.enum(['cpu', 'gpu', 'software-gpu']),
  reason: z.object({ name: z.string() }).nullable(),
  attempts: z.number(),
  calls: z.object({ cpu: z.number() }).optional(),
  memoryBytes: z.number().optional(),
  seconds: z.number(),
});

export const refusal = z.object({
  ok: z.literal(false),
  error: z.object({ code: z.string(), message: z.string() }),
});
