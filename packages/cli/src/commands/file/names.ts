// The names that options take. Written out because importing @vgpu/format would slow down every start of vgpu; the
// types and a test keep them complete.
import type { Dtype, Structure } from '@vgpu/format';

const dtypes: Readonly<Record<Dtype, true>> = {
  bit: true,
  i8: true,
  i16: true,
  i32: true,
  i64: true,
  u8: true,
  u16: true,
  u32: true,
  u64: true,
  f16: true,
  f32: true,
  f64: true,
  cf16: true,
  cf32: true,
  cf64: true,
};

/** Those that hold their values themselves. */
export type PlainStructure = Exclude<Structure, 'block'>;
const structures: Readonly<Record<PlainStructure, true>> = {
  dense: true,
  triangular: true,
  symmetric: true,
  antisymmetric: true,
  diagonal: true,
  identity: true,
  vector: true,
  'unit-vector': true,
};

export const dtypeNames = Object.keys(dtypes) as Dtype[];
export const structureNames = Object.keys(structures) as PlainStructure[];
