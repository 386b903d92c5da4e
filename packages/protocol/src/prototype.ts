// Reads a C prototype such as "CUresult cuMemAlloc_v2(CUdeviceptr *dptr, size_t bytesize)".
import { ProtocolError } from './errors.js';
import type { Parameter, Prototype } from './schema.js';

const declaration = /^(.*?[\s*])(\w+)$/;

function splitDeclaration(text: string, whole: string): { type: string; name: string } {
  const match = declaration.exec(text.trim());
  const type = match?.[1]?.trim().replace(/\s+/g, ' ');
  const name = match?.[2];
  if (type === undefined || name === undefined || type === '') {
    throw new ProtocolError('ERR_VGPU_PROTOCOL_PROTOTYPE', `cannot read "${text.trim()}" in "${whole}"`);
  }
  return { type, name };
}

export function parsePrototype(text: string): Prototype {
  const match = /^([^()]*)\(([^()]*)\)$/.exec(text.replace(/\s+/g, ' ').trim());
  const head = match?.[1];
  const list = match?.[2];
  if (head === undefined || list === undefined) {
    throw new ProtocolError('ERR_VGPU_PROTOCOL_PROTOTYPE', `not a prototype: "${text}"`);
  }
  const { type: returns, name } = splitDeclaration(head, text);
  const parameters: Parameter[] =
    list.trim() === '' || list.trim() === 'void'
      ? []
      : list.split(',').map((parameter) => splitDeclaration(parameter, text));
  return { returns, name, parameters };
}

/** "CUdeviceptr *" → "CUdeviceptr"; undefined when the type is no pointer. */
export function pointee(type: string): string | undefined {
  const match = /^(.*?)\s*\*$/.exec(type);
  return match?.[1];
}
