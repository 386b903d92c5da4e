// trace_functions.c: every function that programs can call, as one that writes down the call and hands it on.
import { driverConstants } from '../abi/driver-constants.js';
import { handleAliases, handleTypes, integerAliases, plainTypes, wireScalars } from '../abi/types.js';
import type { CallEntry, Parameter, Prototype } from '../schema.js';
import { cublas12Functions, cuda12Functions } from '../table/cuda12.js';
import { calls } from '../table/table.js';
import { banner, parameterList, prototypeText } from './c-text.js';

/** The kinds of enum vgpu_trace_kind. */
type Kind = 'OPAQUE' | 'TEXT' | 'POINTER' | 'DIM3' | 'I32' | 'U8' | 'U16' | 'U32' | 'U64' | 'F32';

const hexadecimal = new Set(['CUdeviceptr', 'CUmemGenericAllocationHandle']);

function scalarKind(type: string): Kind | undefined {
  if (hexadecimal.has(type) || type in handleTypes || type in handleAliases) return 'POINTER';
  const scalar = plainTypes[type] ?? integerAliases[type]?.wire;
  if (scalar !== undefined && scalar in wireScalars) return scalar.toUpperCase() as Kind;
  if (type.startsWith('enum ') || type in driverConstants) return 'I32';
  if (
    /^(?:cudaError_t|nvmlReturn_t|cublas(?:Status|Operation|FillMode|DiagType|SideMode|PointerMode|AtomicsMode|Math|ComputeType|GemmAlgo)_t|cudaDataType_t|cudaDataType|libraryPropertyType)$/.test(
      type,
    )
  ) {
    return 'I32';
  }
  return undefined;
}

/** nvcc's generated code calls the host's address of a kernel or variable a string. */
const addressesOfHost = /^(?:hostFun|hostVar|func|symbol)$/;

function kindOf({ type, name }: Parameter): Kind {
  const scalar = scalarKind(type);
  if (scalar) return scalar;
  if (type === 'const char *' && !addressesOfHost.test(name)) return 'TEXT';
  if (type === 'dim3') return 'DIM3';
  return type.endsWith('*') || type.endsWith('_t') ? 'POINTER' : 'OPAQUE';
}

/** Arrays look like results; of these nothing is read. */
const arrays =
  /^(?:kernelParams|extra|args|nodes|from|to|edges|dependencies|pDependencies|.*_out|infos|data|.*Array|.*array)$/i;
const unsafeFunctions =
  /GetNodes|GetRootNodes|GetEdges|GetDependenc|GetDependent|CaptureInfo|^__cuda(?!GetKernel)|Attributes|^cublas/;

/** What a parameter points to after a call that succeeded. */
function resultKind({ type, name }: Parameter, call: string): Kind | undefined {
  if (type.startsWith('const') || !type.endsWith('*') || arrays.test(name) || unsafeFunctions.test(call)) {
    return undefined;
  }
  const pointee = type.slice(0, -1).trim();
  if (pointee === 'void *') return 'POINTER';
  return scalarKind(pointee);
}

function description({ prototype, api }: CallEntry, node: string | undefined): string {
  const parameters = prototype.parameters.map((parameter) => {
    const result = resultKind(parameter, prototype.name);
    return `{"${parameter.name}", VGPU_TRACE_${kindOf(parameter)}, VGPU_TRACE_${result ?? 'NOTHING'}}`;
  });
  return functionDescription(prototype.name, api, node, resultOf(prototype), parameters);
}

function functionDescription(
  name: string,
  api: string,
  node: string | undefined,
  result: Kind | 'NOTHING',
  parameters: readonly string[],
): string {
  const list =
    parameters.length === 0 ? 'NULL' : `(const struct vgpu_trace_parameter[]){${parameters.join(', ')}}`;
  return `{"${name}", ${node ? `"${node}"` : 'NULL'}, "${api}", VGPU_TRACE_${result}, ${parameters.length}, ${list}},`;
}

function resultOf({ returns }: Prototype): Kind | 'NOTHING' {
  if (returns === 'void') return 'NOTHING';
  if (returns === 'const char *') return 'TEXT';
  return scalarKind(returns) ?? (returns.endsWith('*') ? 'POINTER' : 'OPAQUE');
}

/** Programs that look functions up get those that write. */
const lookedUp = /^(?:pfn|funcPtr)$/;

function definition(prototype: Prototype, index: number): string {
  const { returns, parameters } = prototype;
  const names = parameters.map(({ name }) => name);
  const values =
    names.length === 0 ? 'NULL' : `(const void *const[]){${names.map((name) => `&${name}`).join(', ')}}`;
  const call = `((${returns} (*)(${parameterList(parameters)}))traced.function)(${names.join(', ')})`;
  const body =
    returns === 'void'
      ? [`${call};`, `vgpu_trace_end(&traced, ${values}, NULL);`]
      : [
          `${returns.endsWith('*') ? `${returns}const` : `const ${returns}`} answer = ${call};`,
          `vgpu_trace_end(&traced, ${values}, &answer);`,
          ...parameters
            .filter(({ type, name }) => type === 'void **' && lookedUp.test(name))
            .map(({ name }) => `vgpu_trace_redirect(${name});`),
          'return answer;',
        ];
  return `VGPU_EXPORT ${prototypeText(prototype)} {
  const struct vgpu_trace_call traced = vgpu_trace_begin(${index});
  ${body.join('\n  ')}
}
`;
}

/** The table has no parameters of these: up to twelve words are handed on as they came. */
const words = Array.from({ length: 12 }, (_, index) => `word${index}`);
const wordList = words.map((word) => `uintptr_t ${word}`).join(', ');

function wordDefinition(name: string, index: number, exported: boolean): string {
  return `${exported ? 'VGPU_EXPORT ' : ''}int ${name}(${wordList});
${exported ? 'VGPU_EXPORT ' : ''}int ${name}(${wordList}) {
  const struct vgpu_trace_call call = vgpu_trace_begin(${index});
  const int result = ((int (*)(${words.map(() => 'uintptr_t').join(', ')}))call.function)(${words.join(', ')});
  vgpu_trace_end(&call, NULL, &result);
  return result;
}
`;
}

const nodes: Readonly<Record<string, string>> = { runtime: 'libcudart.so.13', cublas: 'libcublas.so.13' };

export function traceFunctions(): string {
  const descriptions: string[] = [];
  const definitions: string[] = [];
  const wrappers: string[] = [];
  for (const call of calls) {
    if (call.api === 'internal') continue;
    const index = descriptions.length;
    const { name } = call.prototype;
    wrappers.push(`(void (*)(void))${name},`);
    if (call.kind === 'refused') {
      descriptions.push(functionDescription(name, call.api, nodes[call.api], 'I32', []));
      definitions.push(wordDefinition(name, index, true));
    } else {
      descriptions.push(description(call, nodes[call.api]));
      definitions.push(definition(call.prototype, index));
    }
  }
  const known = new Set(calls.map(({ prototype }) => prototype.name));
  const older = [
    ...[...cuda12Functions(calls)].map((entry) => [...entry, 'runtime', 'libcudart.so.12'] as const),
    ...[...cublas12Functions(calls)].map((entry) => [...entry, 'cublas', 'libcublas.so.12'] as const),
  ];
  for (const [name, answering, api, node] of older) {
    if (known.has(answering)) continue;
    wrappers.push(`(void (*)(void))${answering},`);
    definitions.push(wordDefinition(answering, descriptions.length, false));
    descriptions.push(functionDescription(name, api, node, 'I32', []));
  }
  return `${banner('Functions that write down a call and hand it on to the guest library.')}
#include "guest_api.h"
#include "trace/trace.h"

const struct vgpu_trace_function vgpu_trace_functions[] = {
    ${descriptions.join('\n    ')}
};
const unsigned int vgpu_trace_function_count = sizeof(vgpu_trace_functions) / sizeof(vgpu_trace_functions[0]);
_Atomic(void *) vgpu_trace_targets[sizeof(vgpu_trace_functions) / sizeof(vgpu_trace_functions[0])];

${definitions.join('\n')}
void (*const vgpu_trace_wrappers[])(void) = {
    ${wrappers.join('\n    ')}
};
`;
}
