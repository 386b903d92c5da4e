// A C file that compiles only where the installed CUDA headers agree with the table: constants by value, structures by
// size and offsets, functions by redeclaration.
import { driverConstants } from '../abi/driver-constants.js';
import { runtimeConstants } from '../abi/runtime-constants.js';
import { structures } from '../abi/structures.js';
import { calls } from '../table/table.js';
import { prototypeText } from './c-text.js';
import { structureBytesInC } from './structure-layout.js';

export function cudaHeaderCheck(header: 'cuda.h' | 'cuda_runtime_api.h'): string {
  const constants = header === 'cuda.h' ? driverConstants : runtimeConstants;
  const api = header === 'cuda.h' ? 'driver' : 'runtime';
  const lines = [
    '#define __CUDA_API_VERSION_INTERNAL',
    '#include <stddef.h>',
    ...(header === 'cuda.h' ? [] : ['#include <cuda.h>']),
    `#include <${header}>`,
  ];
  for (const values of Object.values(constants)) {
    for (const [name, value] of Object.entries(values)) {
      lines.push(`_Static_assert((long long)${name} == ${value}, "${name}");`);
    }
  }
  for (const structure of structures.filter((entry) => entry.header === header)) {
    const type = structure.tagged === true ? `struct ${structure.name}` : structure.name;
    const layout = structureBytesInC(structure);
    lines.push(`_Static_assert(sizeof(${type}) == ${layout.bytes}, "size of ${type}");`);
    for (const { name, offset } of layout.fields) {
      lines.push(`_Static_assert(offsetof(${type}, ${name}) == ${offset}, "${type}.${name}");`);
    }
  }
  for (const call of calls) {
    // The functions that only nvcc's generated code calls stand in no C header.
    if (
      call.api !== api ||
      call.kind === 'refused' ||
      call.kind === 'perThread' ||
      call.prototype.name.startsWith('__')
    )
      continue;
    lines.push(`${prototypeText(call.prototype)};`);
  }
  return `${lines.join('\n')}\n`;
}
