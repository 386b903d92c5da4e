// executor_backend.h: the interface that a backend implements, a method per remote call.
// executor_dispatch.cpp: from a request's bytes to that method and back.
import { wireScalars } from '../abi/types.js';
import { pointee } from '../prototype.js';
import type { Parameter, RemoteCall } from '../schema.js';
import { remoteCalls } from '../table/table.js';
import { banner, wireScalar } from './c-text.js';

const cppType = (type: string, call: string): string =>
  `std::${wireScalars[wireScalar(type, call)].cType}`.replace('std::float', 'float');

interface Step {
  /** Declaration of the method's parameter. */
  readonly parameter: string;
  /** Reads the request, or makes room in the response. */
  readonly before: string;
  readonly argument: string;
  /** Writes the response. */
  readonly after: string;
}

function lengthsOf(call: RemoteCall): Set<string> {
  return new Set(
    Object.values(call.roles).flatMap((role) =>
      role.role === 'bytesIn' || role.role === 'bytesOut' ? [role.length] : [],
    ),
  );
}

function step(call: RemoteCall, { type, name }: Parameter): Step | undefined {
  const role = call.roles[name];
  const callName = call.prototype.name;
  switch (role?.role) {
    case 'in': {
      const cpp = cppType(type, callName);
      return {
        parameter: `${cpp} ${name}`,
        before: `const auto ${name} = request.read<${cpp}>();`,
        argument: name,
        after: '',
      };
    }
    case 'out': {
      const cpp = cppType(pointee(type) ?? '', callName);
      return {
        parameter: `${cpp}& ${name}`,
        before: `${cpp} ${name}{};`,
        argument: name,
        after: `response.write(${name});`,
      };
    }
    case 'bytesIn':
      return {
        parameter: `std::span<const std::byte> ${name}`,
        before: `const auto ${name} = request.read_bytes();`,
        argument: name,
        after: '',
      };
    case 'bytesOut':
      return {
        parameter: `std::span<std::byte> ${name}`,
        before: `const auto ${role.length} = request.read_length();`,
        argument: `response.bytes(${role.length})`,
        after: '',
      };
    case 'stringIn':
      return {
        parameter: `std::string_view ${name}`,
        before: `const auto ${name} = request.read_string(${role.limit});`,
        argument: name,
        after: '',
      };
    default:
      return undefined;
  }
}

/**
 * In the order of the request: a bytesOut parameter stands where its length stands, and what a bytesIn parameter holds
 * comes behind everything else, so that a call can be under way before all of it has arrived.
 */
function steps(call: RemoteCall): { readonly inMethodOrder: Step[]; readonly inWireOrder: Step[] } {
  const lengths = lengthsOf(call);
  const inMethodOrder: Step[] = [];
  const inWireOrder: Step[] = [];
  const trailing: Step[] = [];
  for (const parameter of call.prototype.parameters) {
    const role = call.roles[parameter.name];
    if (lengths.has(parameter.name)) {
      const buffer = call.prototype.parameters.find((other) => {
        const otherRole = call.roles[other.name];
        return otherRole?.role === 'bytesOut' && otherRole.length === parameter.name;
      });
      const made = buffer === undefined ? undefined : step(call, buffer);
      if (made !== undefined) inWireOrder.push(made);
      continue;
    }
    const made = step(call, parameter);
    if (made === undefined) continue;
    inMethodOrder.push(made);
    if (role?.role === 'bytesIn') trailing.push(made);
    else if (role?.role !== 'bytesOut') inWireOrder.push(made);
  }
  return { inMethodOrder, inWireOrder: [...inWireOrder, ...trailing] };
}

/** Of a backend's method: types and names. */
export const methodParameters = (call: RemoteCall): string[] => [
  'std::uint64_t context',
  ...steps(call).inMethodOrder.map(({ parameter }) => parameter),
];

function method(call: RemoteCall): string {
  const unnamed = methodParameters(call).map((parameter) => parameter.replace(/ (\w+)$/, ' /*$1*/'));
  return `  virtual CUresult ${call.prototype.name}(${unnamed.join(', ')}) {\n    return CUDA_ERROR_NOT_SUPPORTED;\n  }`;
}

export function executorBackend(): string {
  return `${banner('What a backend implements: one method per remote call, "not supported" where it does not.')}
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "cuda_abi.h"

namespace vgpu::executor {

/// Every method gets the handle of the calling thread's current context (0 when it has none) and handles as the
/// numbers that the backend itself gave out. Results in reference parameters count only with CUDA_SUCCESS.
/// Methods are called by one thread at a time.
class BackendCalls {
 public:
  virtual ~BackendCalls() = default;

${remoteCalls.map(method).join('\n\n')}
};

}  // namespace vgpu::executor
`;
}

/** For a test that every call has its method in a backend. */
export function remoteCallList(): string {
  const lines = remoteCalls.map(({ prototype: { name } }) => `  visit(${name})`).join(' \\\n');
  return `${banner('The names of all remote calls.')}
#pragma once

#define VGPU_FOR_EACH_REMOTE_CALL(visit) \\
${lines}
`;
}

function dispatchCase(call: RemoteCall): string {
  const { inMethodOrder, inWireOrder } = steps(call);
  const name = call.prototype.name;
  const outs = inMethodOrder.filter(({ after }) => after !== '');
  const lines = [
    ...inWireOrder.map(({ before }) => before),
    'if (!request.complete()) return CUDA_ERROR_INVALID_VALUE;',
    `result = backend.${name}(${['context', ...inMethodOrder.map(({ argument }) => argument)].join(', ')});`,
    ...outs.map(({ after }) => after),
    'break;',
  ];
  return `    case VGPU_CALL_${name}: {\n${lines.map((line) => `      ${line}`).join('\n')}\n    }`;
}

export function executorDispatch(): string {
  const synchronising = remoteCalls.filter((call) => call.synchronises);
  const deferred = remoteCalls.filter((call) => call.deferred);
  const cases = (list: readonly RemoteCall[]): string =>
    list.map((call) => `    case VGPU_CALL_${call.prototype.name}:`).join('\n');
  const names = remoteCalls.map(
    (call) => `    case VGPU_CALL_${call.prototype.name}:\n      return "${call.prototype.name}";`,
  );
  return `${banner("From a request's bytes to the backend's method and back.")}
#include "executor_dispatch.h"

#include "payload.h"
#include "vgpu_protocol.h"

namespace vgpu::executor {

std::string_view call_name(std::uint32_t call) {
  switch (call) {
${names.join('\n')}
    default:
      return {};
  }
}

bool synchronises(std::uint32_t call) {
  switch (call) {
${cases(synchronising)}
      return true;
    default:
      return false;
  }
}

bool may_be_deferred(std::uint32_t call) {
  switch (call) {
${cases(deferred)}
      return true;
    default:
      return false;
  }
}

CUresult dispatch(BackendCalls& backend, std::uint32_t call, std::uint64_t context, PayloadReader& request,
                  PayloadWriter& response) {
  CUresult result = CUDA_ERROR_NOT_SUPPORTED;
  switch (call) {
${remoteCalls.map(dispatchCase).join('\n')}
    default:
      return CUDA_ERROR_NOT_SUPPORTED;
  }
  return result;
}

}  // namespace vgpu::executor
`;
}

export function executorDispatchHeader(): string {
  return `${banner("From a request's bytes to the backend's method and back.")}
#pragma once

#include <cstdint>
#include <string_view>

#include "executor_backend.h"

namespace vgpu::executor {

class PayloadReader;
class PayloadWriter;

/// "cuMemAlloc_v2"; empty for a number that is no call.
std::string_view call_name(std::uint32_t call);
/// Whether the call reports the error of an earlier deferred one.
bool synchronises(std::uint32_t call);
/// Whether the table lets a guest send the call without waiting for its result.
bool may_be_deferred(std::uint32_t call);

/// Decodes \`request\`, calls the backend, encodes the results into \`response\` (to be discarded unless the result is
/// CUDA_SUCCESS). A request that is shorter, longer or otherwise other than the table says gives
/// CUDA_ERROR_INVALID_VALUE and leaves !request.complete(); the backend is then not called. An unknown call gives
/// CUDA_ERROR_NOT_SUPPORTED.
CUresult dispatch(BackendCalls& backend, std::uint32_t call, std::uint64_t context, PayloadReader& request,
                  PayloadWriter& response);

}  // namespace vgpu::executor
`;
}
