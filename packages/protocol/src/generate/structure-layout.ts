// Sizes and offsets as the System V ABI for x86-64 and AArch64 lays structures out: each field at the next multiple of
// its alignment.
import type { Structure } from '../abi/structures.js';
import { plainTypes, wireScalars } from '../abi/types.js';
import { structureByName } from './c-text.js';

interface Layout {
  readonly bytes: number;
  readonly alignment: number;
  readonly fields: readonly { readonly name: string; readonly offset: number }[];
}

function typeLayout(type: string): { bytes: number; alignment: number } {
  if (type.endsWith('*') || type === 'long') return { bytes: 8, alignment: 8 };
  if (type === 'char' || type === 'unsigned char') return { bytes: 1, alignment: 1 };
  if (type.startsWith('enum ')) return { bytes: 4, alignment: 4 };
  const plain = plainTypes[type];
  if (plain !== undefined) return { bytes: wireScalars[plain].bytes, alignment: wireScalars[plain].bytes };
  const nested = structureByName.get(type.replace(/^struct /, ''));
  if (nested !== undefined) return structureBytesInC(nested);
  // What remains are handles (pointers), 64-bit device addresses, and the driver API's enumerations.
  return /^(CU(array|context|deviceptr|function|graphNode|kernel|stream|memGenericAllocationHandle)|cu(uint64_t|da\w+_t)|CUhostFn)$/.test(
    type,
  )
    ? { bytes: 8, alignment: 8 }
    : { bytes: 4, alignment: 4 };
}

export function structureBytesInC(structure: Structure): Layout {
  let end = 0;
  let bytes = 0;
  let alignment = 1;
  const fields: { name: string; offset: number }[] = [];
  for (const field of structure.fields) {
    const one = typeLayout(field.type);
    const offset = structure.union === true ? 0 : Math.ceil(end / one.alignment) * one.alignment;
    fields.push({ name: field.name, offset });
    end = offset + one.bytes * (field.count ?? 1);
    bytes = Math.max(bytes, end);
    alignment = Math.max(alignment, one.alignment);
    // What has no name of its own can only be checked from outside.
    const part = structureByName.get(field.type.replace(/^struct /, ''));
    if (part?.header !== 'unnamed') continue;
    for (const inner of structureBytesInC(part).fields) {
      fields.push({ name: `${field.name}.${inner.name}`, offset: offset + inner.offset });
    }
  }
  return { bytes: Math.ceil(bytes / alignment) * alignment, alignment, fields };
}
