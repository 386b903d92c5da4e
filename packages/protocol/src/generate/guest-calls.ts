// guest_calls.c: one function per remote call. It lists the pieces of the request and of the response; sending,
// waiting and deadlines are vgpu_exchange()'s, which the guest writes by hand.
import { wireScalars } from '../abi/types.js';
import { pointee } from '../prototype.js';
import type { Parameter, RemoteCall } from '../schema.js';
import { remoteCalls } from '../table/table.js';
import { banner, isHandle, prototypeText, wireScalar } from './c-text.js';
import { exportMacro } from './guest-entries.js';

interface Pieces {
  readonly checks: string[];
  readonly locals: string[];
  readonly request: string[];
  /** What is sent behind everything else. */
  readonly trailing: string[];
  readonly response: string[];
  readonly results: string[];
}

function scalarIn({ type, name }: Parameter, call: string, pieces: Pieces): void {
  const cType = wireScalars[wireScalar(type, call)].cType;
  const value = isHandle(type) ? `(uint64_t)(uintptr_t)${name}` : `(${cType})${name}`;
  pieces.locals.push(`const ${cType} wire_${name} = ${value};`);
  pieces.request.push(`{&wire_${name}, sizeof(wire_${name})}`);
}

function scalarOut({ type, name }: Parameter, call: string, optional: boolean, pieces: Pieces): void {
  const target = pointee(type) ?? '';
  const cType = wireScalars[wireScalar(target, call)].cType;
  const value = isHandle(target) ? `(${target})(uintptr_t)wire_${name}` : `(${target})wire_${name}`;
  pieces.locals.push(`${cType} wire_${name} = 0;`);
  pieces.response.push(`{&wire_${name}, sizeof(wire_${name})}`);
  if (!optional) pieces.checks.push(`${name} == NULL`);
  pieces.results.push(optional ? `if (${name} != NULL) *${name} = ${value};` : `*${name} = ${value};`);
}

function piecesOf(call: RemoteCall): Pieces {
  const pieces: Pieces = { checks: [], locals: [], request: [], trailing: [], response: [], results: [] };
  const { name: callName, parameters } = call.prototype;
  // The length of a buffer that is sent goes in front of the buffer and not a second time by itself.
  const sentWithBuffer = new Set(
    Object.values(call.roles).flatMap((role) => (role.role === 'bytesIn' ? [role.length] : [])),
  );
  for (const parameter of parameters) {
    const { name } = parameter;
    const role = call.roles[name];
    if (role === undefined || sentWithBuffer.has(name)) continue;
    switch (role.role) {
      case 'in':
        scalarIn(parameter, callName, pieces);
        break;
      case 'out':
        scalarOut(parameter, callName, role.optional, pieces);
        break;
      case 'bytesIn':
        pieces.checks.push(`(${name} == NULL && ${role.length} != 0)`);
        pieces.locals.push(`const uint64_t wire_${role.length} = ${role.length};`);
        pieces.trailing.push(
          `{&wire_${role.length}, sizeof(wire_${role.length})}`,
          `{${name}, ${role.length}}`,
        );
        break;
      case 'bytesOut':
        pieces.checks.push(`(${name} == NULL && ${role.length} != 0)`);
        pieces.response.push(`{${name}, ${role.length}}`);
        break;
      case 'stringIn':
        pieces.checks.push(`${name} == NULL`);
        pieces.locals.push(
          `const uint64_t length_${name} = ${name} == NULL ? 0 : strnlen(${name}, ${role.limit} + 1);`,
        );
        pieces.checks.push(`length_${name} > ${role.limit}`);
        pieces.request.push(`{&length_${name}, sizeof(length_${name})}`, `{${name}, (size_t)length_${name}}`);
        break;
    }
  }
  pieces.request.push(...pieces.trailing);
  return pieces;
}

function array(type: string, name: string, items: readonly string[]): string {
  return items.length === 0 ? '' : `  const struct ${type} ${name}[] = {${items.join(', ')}};\n`;
}

/** A stream that is being captured runs nothing: what cannot be recorded is refused, and spoils the capture. */
function captureChecks({ whileCapturing, prototype }: RemoteCall): string[] {
  if (whileCapturing === 'allowed') return [];
  const named = prototype.parameters.flatMap(({ type, name }) =>
    type === 'CUstream'
      ? `vgpu_capture_forbid(${name})`
      : type === 'CUevent'
        ? `vgpu_capture_forbid_event(${name})`
        : [],
  );
  return (named.length === 0 ? ['vgpu_capture_forbid_all()'] : named).flatMap((check, index) => [
    `  const CUresult capturing${index} = ${check};\n`,
    `  if (capturing${index} != CUDA_SUCCESS) return capturing${index};\n`,
  ]);
}

function stub(call: RemoteCall): string {
  const { checks, locals, request, response, results } = piecesOf(call);
  const flags = [call.needsContext ? 'VGPU_NEEDS_CONTEXT' : '', call.deferred ? 'VGPU_DEFERRED' : '']
    .filter((flag) => flag !== '')
    .join(' | ');
  const send = `vgpu_exchange(VGPU_CALL_${call.prototype.name}, ${flags === '' ? '0' : flags}, ${
    request.length === 0 ? 'NULL' : 'request'
  }, ${request.length}, ${response.length === 0 ? 'NULL' : 'response'}, ${response.length})`;
  return [
    `${exportMacro(call)}${prototypeText(call.prototype)} {\n`,
    ...captureChecks(call),
    ...locals.map((line) => `  ${line}\n`),
    checks.length === 0 ? '' : `  if (${checks.join(' || ')}) return CUDA_ERROR_INVALID_VALUE;\n`,
    array('vgpu_segment', 'request', request),
    array('vgpu_buffer', 'response', response),
    results.length === 0 ? `  return ${send};\n` : `  const CUresult result = ${send};\n`,
    results.length === 0 ? '' : `  if (result != CUDA_SUCCESS) return result;\n`,
    ...results.map((line) => `  ${line}\n`),
    results.length === 0 ? '' : '  return CUDA_SUCCESS;\n',
    '}\n',
  ].join('');
}

export function guestCalls(): string {
  return `${banner('Each remote call packs its parameters, exchanges frames, and unpacks the results.')}
#include <string.h>

#include "driver/graph/capture.h"
#include "guest_api.h"
#include "transport/exchange.h"
#include "vgpu_protocol.h"

${remoteCalls.map(stub).join('\n')}`;
}
