// driver_functions.h, cublas_functions.h: what the real backend may look up in the libraries of driver and cuBLAS, with
// its types.
// real_calls.h, real_calls.cpp: the methods of the real backend that only forward, and the names of the others.
import { ProtocolError } from '../errors.js';
import { pointee } from '../prototype.js';
import type { CallEntry, Parameter, RemoteCall } from '../schema.js';
import { checkRealBackend, type RealAnswer, realAnswer } from '../table/real-backend.js';
import { calls, remoteCalls } from '../table/table.js';
import { banner, isHandle, parameterList } from './c-text.js';
import { methodParameters } from './executor.js';

type Forwarded = Extract<RealAnswer, { kind: 'forwarded' }>;

/** Where class DriverObjects keeps the driver's objects of a type. */
const tables: Readonly<Record<string, string>> = {
  CUcontext: 'contexts',
  CUmodule: 'modules',
  CUfunction: 'functions',
  CUstream: 'streams',
  CUevent: 'events',
  CUmemoryPool: 'pools',
};

function table(type: string, call: string): string {
  const found = tables[type];
  if (found !== undefined) return found;
  throw new ProtocolError(
    'ERR_VGPU_PROTOCOL_TABLE',
    `${call}: class DriverObjects has no table for ${type}; add one, or put the call into "written" or "refused" of table/real-backend.ts`,
  );
}

function functionsOf(about: string, structure: string, functions: readonly CallEntry[]): string {
  const members = functions.map(
    ({ prototype: { name, parameters, returns } }) =>
      `  LibraryFunction<${returns}(${parameterList(parameters)})> ${name}{"${name}"};`,
  );
  const visits = functions.map(({ prototype: { name } }) => `    visit(${name});`);
  return `${banner(about)}
#pragma once

#include "backends/real/library_function.h"
#include "cuda_abi.h"

namespace vgpu::executor {

/// Calling one that the library lacks throws CallError with CUDA_ERROR_NOT_SUPPORTED and its name.
struct ${structure} {
${members.join('\n')}

  template <typename Visit>
  void for_each(Visit visit) {
${visits.join('\n')}
  }
};

}  // namespace vgpu::executor
`;
}

/** The driver's functions whose prototypes the table knows, the forms for per-thread streams excepted. */
export function driverFunctions(): string {
  const functions = calls.filter(
    ({ api, kind, prototype }) =>
      api === 'driver' &&
      (kind === 'remote' || kind === 'local') &&
      prototype.returns === 'CUresult' &&
      !/_pt[ds][sz]$/.test(prototype.name),
  );
  return functionsOf(
    "The driver's functions, by the names and types of cuda.h.",
    'DriverFunctions',
    functions,
  );
}

/** cuBLAS's functions that the guest answers: all of them are there for what it describes in other words. */
export function cublasFunctions(): string {
  const functions = calls.filter(
    ({ api, kind, prototype }) =>
      api === 'cublas' && kind === 'local' && prototype.returns === 'cublasStatus_t',
  );
  return functionsOf(
    "cuBLAS's functions, by their names and types in version 2 of its interface.",
    'CublasFunctions',
    functions,
  );
}

interface Piece {
  readonly before: string;
  readonly argument: string;
  readonly after: string;
}

function forwardIn({ type, name }: Parameter, call: string, released: string | undefined): Piece {
  const plain = (argument: string): Piece => ({ before: '', argument, after: '' });
  // The default streams have no object, and cannot be destroyed.
  if (type === 'CUstream' && released !== name) return plain(`stream_at(${name})`);
  if (isHandle(type)) return plain(`objects_.${table(type, call)}.at(${name})`);
  if (type === 'CUdevice') return plain(`device_at(${name})`);
  return plain(`static_cast<${type}>(${name})`);
}

function forwardOut({ type, name }: Parameter, call: RemoteCall): Piece {
  const made = pointee(type) ?? '';
  const owner =
    call.prototype.parameters.find(
      (other) => call.roles[other.name]?.role === 'in' && isHandle(other.type) && other.type !== 'CUstream',
    )?.name ?? 'context';
  const value = isHandle(made)
    ? `objects_.${table(made, call.prototype.name)}.adopt(made_${name}, ${owner})`
    : made === 'CUdeviceptr'
      ? `visible_address(made_${name})`
      : `made_${name}`;
  return { before: `${made} made_${name}{};`, argument: `&made_${name}`, after: `${name} = ${value};` };
}

function forward(call: RemoteCall, parameter: Parameter, released: string | undefined): Piece {
  const { name } = parameter;
  const role = call.roles[name]?.role;
  switch (role) {
    case 'in':
      return forwardIn(parameter, call.prototype.name, released);
    case 'out':
      return forwardOut(parameter, call);
    case 'stringIn':
      return {
        before: `const std::string text_${name}(${name});`,
        argument: `text_${name}.c_str()`,
        after: '',
      };
    default:
      throw new ProtocolError(
        'ERR_VGPU_PROTOCOL_TABLE',
        `${call.prototype.name}: buffers are not forwarded; put it into "written" or "refused" of table/real-backend.ts`,
      );
  }
}

const indented = (lines: readonly string[]): string =>
  lines
    .filter((line) => line !== '')
    .map((line) => `  ${line}\n`)
    .join('');

function forwardingMethod(call: RemoteCall, { to, releases }: Forwarded): string {
  const { name, parameters } = call.prototype;
  const pieces = parameters.map((parameter) => forward(call, parameter, releases));
  const after = pieces.map((piece) => piece.after).filter((line) => line !== '');
  const released = parameters.find((parameter) => parameter.name === releases);
  if (released !== undefined)
    after.push(`objects_.release(objects_.${table(released.type, name)}, ${releases});`);
  const unused = call.needsContext ? 'enter(context);' : 'enter_if_any(context);';
  const invocation = `driver().${to}(${pieces.map(({ argument }) => argument).join(', ')})`;
  const body =
    after.length === 0
      ? [unused, ...pieces.map(({ before }) => before), `return ${invocation};`]
      : [
          unused,
          ...pieces.map(({ before }) => before),
          `const CUresult result = ${invocation};`,
          'if (result != CUDA_SUCCESS) return result;',
          ...after,
          'return CUDA_SUCCESS;',
        ];
  return `CUresult RealCalls::${name}(${methodParameters(call).join(', ')}) {\n${indented(body)}}`;
}

function refusingMethod(call: RemoteCall, reason: string): string {
  const unnamed = methodParameters(call).map((parameter) => parameter.replace(/ \w+$/, ''));
  return `CUresult RealCalls::${call.prototype.name}(${unnamed.join(', ')}) {\n  throw CallError(CUDA_ERROR_NOT_SUPPORTED, ${JSON.stringify(reason)});\n}`;
}

const answers = (): { readonly call: RemoteCall; readonly answer: RealAnswer }[] => {
  checkRealBackend(remoteCalls);
  return remoteCalls.map((call) => ({ call, answer: realAnswer(call) }));
};

export function realCallsHeader(): string {
  const declare = ({ call, answer }: { call: RemoteCall; answer: RealAnswer }): string =>
    `  CUresult ${call.prototype.name}(${methodParameters(call).join(', ')}) override${answer.kind === 'written' ? ' = 0' : ''};`;
  return `${banner('The real backend: methods that forward to the driver, and the names of those that are written by hand.')}
#pragma once

#include "backends/real/real_state.h"

namespace vgpu::executor {

/// A method without a body here (= 0) is RealBackend's to write.
class RealCalls : public RealState {
 public:
  using RealState::RealState;

${answers().map(declare).join('\n')}
};

}  // namespace vgpu::executor
`;
}

export function realCalls(): string {
  const methods = answers().flatMap(({ call, answer }) =>
    answer.kind === 'forwarded'
      ? [forwardingMethod(call, answer)]
      : answer.kind === 'refused'
        ? [refusingMethod(call, answer.reason)]
        : [],
  );
  return `${banner("From a backend's method to the driver's function: handles translated, results taken over.")}
#include "real_calls.h"

#include <string>

namespace vgpu::executor {

${methods.join('\n\n')}

}  // namespace vgpu::executor
`;
}
