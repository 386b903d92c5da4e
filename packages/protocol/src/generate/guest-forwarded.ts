// guest_forwarded.c: the functions of the runtime API that are a driver API function under another name.
import { handleAliases, handleTypes, integerAliases, plainTypes } from '../abi/types.js';
import { ProtocolError } from '../errors.js';
import { pointee } from '../prototype.js';
import type { ForwardedCall, Parameter } from '../schema.js';
import { calls, forwardedCalls } from '../table/table.js';
import { banner, prototypeText } from './c-text.js';

const callByName = new Map(calls.map((call) => [call.prototype.name, call]));

const isInteger = (type: string): boolean => type in plainTypes || type in integerAliases;

/** What lies behind every pointer: "const struct cudaMemAccessDesc **" → "struct cudaMemAccessDesc". */
function behind(type: string): string {
  const next = pointee(type);
  return next === undefined ? type.replace(/^const /, '') : behind(next);
}

/** The same C type in both APIs, by whatever name. */
function same(given: string, wanted: string): boolean {
  const handle = handleAliases[behind(given)];
  const stars = given.replace(behind(given), '');
  const wantedStars = wanted.replace(behind(wanted), '');
  if (handle !== undefined) return handle === handleTypes[behind(wanted)] && stars === wantedStars;
  if (isInteger(given) && isInteger(wanted)) return true;
  if (/HostFn(_t)?$/.test(given)) return wanted === 'CUhostFn';
  return behind(given) === (integerAliases[behind(wanted)]?.cType ?? behind(wanted)) && stars === wantedStars;
}

function argument({ type, name }: Parameter, wanted: string): string {
  if (same(type, wanted)) return name;
  return wanted === 'CUdeviceptr' ? `(${wanted})(uintptr_t)${name}` : `(${wanted})${name}`;
}

function wantedTypes(call: ForwardedCall): readonly string[] {
  const types = callByName.get(call.beneath)?.prototype.parameters.map(({ type }) => type);
  const count = call.prototype.parameters.length + (call.followedBy === undefined ? 0 : 1);
  if (types?.length !== count) {
    throw new ProtocolError(
      'ERR_VGPU_PROTOCOL_TABLE',
      `${call.prototype.name} has ${count} arguments for ${call.beneath}, which takes ${types?.length ?? 'none, being absent'}`,
    );
  }
  return types;
}

function definition(call: ForwardedCall): string {
  const wanted = wantedTypes(call);
  const given = call.prototype.parameters.map((parameter, index) =>
    argument(parameter, wanted[index] ?? parameter.type),
  );
  if (call.followedBy !== undefined) given.push(call.followedBy);
  return `${prototypeText(call.prototype)} {
  CUresult result = ${call.needsContext ? 'vgpu_runtime_enter' : 'vgpu_runtime_initialise'}();
  if (result == CUDA_SUCCESS) result = ${call.beneath}(${given.join(', ')});
  return vgpu_runtime_from_driver(result);
}
`;
}

/** A cast between pointers is right only where the two APIs lay out the same thing. */
function layoutChecks(): readonly string[] {
  const checks = forwardedCalls.flatMap((call) =>
    call.prototype.parameters.flatMap(({ type }, index) => {
      const wanted = wantedTypes(call)[index] ?? type;
      if (same(type, wanted) || pointee(type) === undefined || pointee(wanted) === undefined) return [];
      return [`_Static_assert(sizeof(${behind(type)}) == sizeof(${behind(wanted)}), "one layout");`];
    }),
  );
  return [...new Set(checks)];
}

export function guestForwarded(): string {
  return `${banner("The driver API's functions under their runtime names.")}
#include "guest_api.h"
#include "runtime/last_error.h"
#include "runtime/primary_context.h"

${layoutChecks().join('\n')}

${forwardedCalls.map(definition).join('\n')}`;
}
