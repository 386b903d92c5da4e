// cuda_abi.h: the types and constants of CUDA's ABI under their own names, for guest and executor.
import { blasConstants, cublasStatuses } from '../abi/blas-constants.js';
import { driverConstants } from '../abi/driver-constants.js';
import { nvmlReturns } from '../abi/nvml-constants.js';
import { runtimeConstants } from '../abi/runtime-constants.js';
import { type Structure, structures } from '../abi/structures.js';
import { callbackTypes, handleAliases, handleTypes, integerAliases } from '../abi/types.js';
import { banner } from './c-text.js';

function enumeration(name: string, values: Readonly<Record<string, number>>, typedef: boolean): string {
  const lines = Object.entries(values).map(([constant, value]) => `  ${constant} = ${value},`);
  const body = `enum ${name} {\n${lines.join('\n')}\n};`;
  return typedef ? `${body}\ntypedef enum ${name} ${name};` : body;
}

function structure({ name, tagged, union, fields }: Structure): string {
  const lines = fields.map(({ type, name: field, count }) => {
    const star = type.endsWith('*') ? '' : ' ';
    return `  ${type}${star}${field}${count === undefined ? '' : `[${count}]`};`;
  });
  const keyword = union === true ? 'union' : 'struct';
  const body = `${keyword} ${name} {\n${lines.join('\n')}\n};`;
  return tagged === true ? body : `${body}\ntypedef ${keyword} ${name} ${name};`;
}

export function cudaAbiHeader(): string {
  const nvml = Object.fromEntries(Object.entries(nvmlReturns).map(([name, { value }]) => [name, value]));
  const blasStatuses = Object.fromEntries(
    Object.entries(cublasStatuses).map(([name, { value }]) => [name, value]),
  );
  const parts = [
    banner('The part of the CUDA 13.0 ABI that vgpu uses: handles, enumerations, structures.'),
    '#ifndef VGPU_CUDA_ABI_H\n#define VGPU_CUDA_ABI_H\n\n#include <stddef.h>\n#include <stdint.h>\n',
    ...Object.entries({
      ...handleTypes,
      ...handleAliases,
      nvmlDevice_t: 'nvmlDevice_st',
      nvmlEventSet_t: 'nvmlEventSet_st',
      cublasHandle_t: 'cublasContext',
    }).map(([name, tag]) => `typedef struct ${tag} *${name};`),
    ...Object.entries(integerAliases).map(([name, { cType }]) => `typedef ${cType} ${name};`),
    '',
    ...Object.entries(driverConstants).map(([name, values]) => `${enumeration(name, values, true)}\n`),
    ...Object.entries(runtimeConstants).map(([name, values]) => `${enumeration(name, values, false)}\n`),
    'typedef enum cudaError cudaError_t;\n',
    ...Object.entries(callbackTypes).map(([name, text]) => `typedef ${text.replace('%s', name)};`),
    '',
    `${enumeration('cublasStatus_t', blasStatuses, true)}\n`,
    ...Object.entries(blasConstants).map(([name, values]) => `${enumeration(name, values, true)}\n`),
    'typedef struct {\n  uint16_t bits;\n} __half;  // only pointers to it are parameters\n',
    `${enumeration('nvmlReturn', nvml, false)}\ntypedef enum nvmlReturn nvmlReturn_t;\n`,
    ...structures.map((entry) => `${structure(entry)}\n`),
    '#endif',
  ];
  return `${parts.join('\n')}\n`;
}
