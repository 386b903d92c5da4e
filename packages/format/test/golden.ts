// The golden files: what PyCauset wrote, and beside each what is in it.
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Complex, Scalar, ValueReader } from '../src/index.js';

export const goldenDirectory = join(dirname(fileURLToPath(import.meta.url)), 'golden');

/** A number, a 64-bit integer or special float as text, or a complex number as a pair. */
type GoldenScalar = number | string | readonly [GoldenReal, GoldenReal];
type GoldenReal = number | string;

export interface GoldenSlot {
  readonly generation: number;
  readonly payload_offset: number;
  readonly payload_length: number;
  readonly metadata_offset: number;
  readonly metadata_length: number;
  readonly hot_offset: number;
  readonly hot_length: number;
}

export interface Golden {
  readonly name: string;
  readonly bytes: Uint8Array;
  readonly dtype: string;
  readonly structure: string;
  readonly shape: readonly number[];
  readonly values: readonly (GoldenScalar | readonly GoldenScalar[])[];
  readonly active_slot: 'A' | 'B';
  readonly generation: number;
  readonly slots?: Readonly<Record<'A' | 'B', GoldenSlot>>;
  readonly payload_offset?: number;
  readonly payload_bytes?: number;
  readonly metadata?: unknown;
  readonly made?: string;
}

export interface BrokenGolden {
  readonly name: string;
  readonly bytes: Uint8Array;
  readonly wrong: string;
  readonly pycauset_load: { readonly verdict: string; readonly same_as_base: boolean };
}

export function goldenNames(folder = ''): string[] {
  return readdirSync(join(goldenDirectory, folder))
    .filter((file) => file.endsWith('.pycauset'))
    .map((file) => join(folder, file.replace(/\.pycauset$/, '')))
    .sort();
}

export function goldenBytes(name: string): Uint8Array {
  return new Uint8Array(readFileSync(join(goldenDirectory, `${name}.pycauset`)));
}

export function golden(name: string): Golden {
  return { ...sideCar<Golden>(name), name, bytes: goldenBytes(name) };
}

export function brokenGolden(name: string): BrokenGolden {
  return { ...sideCar<BrokenGolden>(name), name, bytes: goldenBytes(name) };
}

const verdicts = JSON.parse(
  readFileSync(join(goldenDirectory, '../broken-verdicts.json'), 'utf8'),
) as Readonly<Record<string, string | readonly string[]>>;

/** What a damaged file gives: the last part of an error's code, or the warnings with which it loads. */
export function brokenVerdict(name: string): string | readonly string[] | undefined {
  return verdicts[name.replace('broken/', '')];
}

function sideCar<T>(name: string): T {
  return JSON.parse(readFileSync(join(goldenDirectory, `${name}.json`), 'utf8')) as T;
}

/** Every value of the side-car, row by row, in the form that a reader gives them. */
export function goldenValues({ shape, dtype, values }: Pick<Golden, 'shape' | 'dtype' | 'values'>): Scalar[] {
  const flat = shape.length === 1 ? values : values.flat(1);
  return (flat as readonly GoldenScalar[]).map((value) => scalarOf(value, dtype));
}

function scalarOf(value: GoldenScalar, dtype: string): Scalar {
  if (typeof value === 'object') return { re: Number(value[0]), im: Number(value[1]) } satisfies Complex;
  return dtype === 'i64' || dtype === 'u64' ? BigInt(value) : Number(value);
}

export function allValues(reader: ValueReader): Scalar[] {
  const values: Scalar[] = [];
  for (let row = 0; row < reader.rows; row++) {
    for (let column = 0; column < reader.columns; column++) values.push(reader.get(row, column));
  }
  return values;
}
