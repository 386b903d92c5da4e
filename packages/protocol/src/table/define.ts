// The vocabulary in which the table is written.
import { ProtocolError } from '../errors.js';
import { parsePrototype, pointee } from '../prototype.js';
import { type CallEntry, callEntry, type ParameterRole } from '../schema.js';

type Api = CallEntry['api'];

export const out: ParameterRole = { role: 'out', optional: false };
export const optionalOut: ParameterRole = { role: 'out', optional: true };
export const bytesIn = (length: string): ParameterRole => ({ role: 'bytesIn', length });
export const bytesOut = (length: string): ParameterRole => ({ role: 'bytesOut', length });
export const stringIn = (limit: number): ParameterRole => ({ role: 'stringIn', limit });

export interface RemoteOptions {
  /** Roles of the pointer parameters; everything else travels by value. */
  readonly roles?: Readonly<Record<string, ParameterRole>>;
  readonly needsContext?: boolean;
  readonly deferred?: boolean;
  readonly synchronises?: boolean;
  /** Calls of the driver API with a stream or an event are refused when it is not said otherwise. */
  readonly whileCapturing?: 'allowed' | 'refused';
}

/** A call that the executor answers. */
export function remote(api: Api, since: number, text: string, options: RemoteOptions = {}): CallEntry {
  const prototype = parsePrototype(text);
  const given = options.roles ?? {};
  const roles: Record<string, ParameterRole> = {};
  for (const { name, type } of prototype.parameters) {
    // Every method of the backend has a parameter of this name already: the frame's.
    if (name === 'context') {
      throw new ProtocolError(
        'ERR_VGPU_PROTOCOL_TABLE',
        `${prototype.name}: a parameter must not be named "context"`,
      );
    }
    const role = given[name] ?? { role: 'in' };
    if (role.role === 'in' && pointee(type) !== undefined) {
      throw new ProtocolError('ERR_VGPU_PROTOCOL_TABLE', `${prototype.name}: pointer "${name}" needs a role`);
    }
    roles[name] = role;
  }
  for (const name of Object.keys(given)) {
    if (roles[name] === undefined) {
      throw new ProtocolError('ERR_VGPU_PROTOCOL_TABLE', `${prototype.name} has no parameter "${name}"`);
    }
  }
  return callEntry.parse({
    kind: 'remote',
    api,
    since,
    prototype,
    roles,
    needsContext: options.needsContext ?? true,
    deferred: options.deferred ?? false,
    synchronises: options.synchronises ?? false,
    whileCapturing:
      options.whileCapturing ??
      (api === 'driver' && prototype.parameters.some(({ type }) => type === 'CUstream' || type === 'CUevent')
        ? 'refused'
        : 'allowed'),
  });
}

/** A call that hand-written code of the guest answers; `why` says why the table cannot. */
export function local(api: Api, since: number, text: string, why: string): CallEntry {
  return callEntry.parse({ kind: 'local', api, since, prototype: parsePrototype(text), why });
}

export interface ForwardedOptions {
  readonly needsContext?: boolean;
  readonly followedBy?: string;
}

/** A runtime call that is `beneath`, a driver call with the same parameters, under its other name. */
export function forwarded(text: string, beneath: string, options: ForwardedOptions = {}): CallEntry {
  const prototype = parsePrototype(text);
  return callEntry.parse({
    kind: 'forwarded',
    api: 'runtime',
    since: 0,
    prototype,
    beneath,
    needsContext: true,
    ...options,
  });
}

/** The stream parameter of a call, if it has one. */
export const streamParameter = ({ prototype }: CallEntry): string | undefined =>
  prototype.parameters.find(({ type }) => type === 'CUstream' || type === 'cudaStream_t')?.name;

/** `plain` for the calling thread's default stream, by way of `beneath`, which takes a stream. */
export function perThread(api: Api, name: string, plain: CallEntry, beneath: CallEntry): CallEntry {
  return callEntry.parse({
    kind: 'perThread',
    api,
    since: api === 'driver' ? Math.max(plain.since, 7000) : 0,
    prototype: { ...plain.prototype, name },
    beneath: beneath.prototype.name,
    waits: plain !== beneath,
  });
}

/** Calls that exist in CUDA and not yet here. Only their names matter: no parameter is looked at. */
export function refused(api: Api, names: string): CallEntry[] {
  return names
    .split(/\s+/)
    .filter((name) => name !== '')
    .map((name) =>
      callEntry.parse({
        kind: 'refused',
        api,
        since: 0,
        prototype: { returns: 'int', name, parameters: [] },
      }),
    );
}
