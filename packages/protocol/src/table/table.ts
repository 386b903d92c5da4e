// The whole table, checked once when it is loaded.
import { ProtocolError } from '../errors.js';
import type {
  CallEntry,
  ForwardedCall,
  LocalCall,
  PerThreadCall,
  RefusedCall,
  RemoteCall,
} from '../schema.js';
import { arrays } from './arrays.js';
import { blas, cublas } from './cublas.js';
import { cublasRefused } from './cublas-refused.js';
import { driverLocal } from './driver-local.js';
import { driverLocalGraphs } from './driver-local-graphs.js';
import { driverLocalLibraries } from './driver-local-libraries.js';
import { driverLocalMemory } from './driver-local-memory.js';
import { contexts, memory, modules, pools, streams, virtualMemory } from './driver-remote.js';
import { deviceUse, nvml } from './nvml.js';
import { output } from './output.js';
import { perThreadCalls } from './per-thread.js';
import { refusedCalls } from './refused.js';
import { runtime } from './runtime.js';
import { runtimeArrays } from './runtime-arrays.js';
import { runtimeForwarded } from './runtime-forwarded.js';
import { runtimeTextures } from './runtime-textures.js';
import { textures } from './textures.js';

const written: readonly CallEntry[] = [
  ...contexts,
  ...modules,
  ...memory,
  ...pools,
  ...virtualMemory,
  ...arrays,
  ...textures,
  ...streams,
  ...blas,
  ...output,
  ...deviceUse,
  ...driverLocal,
  ...driverLocalLibraries,
  ...driverLocalMemory,
  ...driverLocalGraphs,
  ...runtime,
  ...runtimeForwarded,
  ...runtimeArrays,
  ...runtimeTextures,
  ...nvml,
  ...cublas,
  ...cublasRefused,
  ...refusedCalls,
];

export const calls: readonly CallEntry[] = [...written, ...perThreadCalls(written)];

/** Each name once, and every length rule names an integer parameter of its own call. */
export function checkTable(entries: readonly CallEntry[]): void {
  const seen = new Set<string>();
  for (const { prototype, ...entry } of entries) {
    if (seen.has(prototype.name)) {
      throw new ProtocolError('ERR_VGPU_PROTOCOL_TABLE', `${prototype.name} stands in the table twice`);
    }
    seen.add(prototype.name);
    if (entry.kind !== 'remote') continue;
    const roles = Object.values(entry.roles).map(({ role }) => role);
    if (roles.includes('bytesOut') && (roles.includes('out') || entry.deferred)) {
      throw new ProtocolError(
        'ERR_VGPU_PROTOCOL_TABLE',
        `${prototype.name}: a buffer must be the only result`,
      );
    }
    if (entry.deferred && roles.includes('out')) {
      throw new ProtocolError('ERR_VGPU_PROTOCOL_TABLE', `${prototype.name}: a deferred call has no results`);
    }
    for (const [name, role] of Object.entries(entry.roles)) {
      if (role.role !== 'bytesIn' && role.role !== 'bytesOut') continue;
      const length = prototype.parameters.find((parameter) => parameter.name === role.length);
      if (length?.type !== 'size_t') {
        throw new ProtocolError(
          'ERR_VGPU_PROTOCOL_TABLE',
          `${prototype.name}: the length of "${name}" must be a size_t parameter, not "${role.length}"`,
        );
      }
    }
  }
}

checkTable(calls);

export const remoteCalls: readonly RemoteCall[] = calls.filter((call) => call.kind === 'remote');
export const localCalls: readonly LocalCall[] = calls.filter((call) => call.kind === 'local');
export const forwardedCalls: readonly ForwardedCall[] = calls.filter((call) => call.kind === 'forwarded');
export const perThreadEntries: readonly PerThreadCall[] = calls.filter((call) => call.kind === 'perThread');
export const refusedCallEntries: readonly RefusedCall[] = calls.filter((call) => call.kind === 'refused');

/** A remote call's number in a frame: its place in the table, from 1; 0 is a sign of life from the executor. */
export function callNumber(call: RemoteCall): number {
  return remoteCalls.indexOf(call) + 1;
}
