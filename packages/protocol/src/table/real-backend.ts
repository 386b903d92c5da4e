// How the real backend answers each remote call. What is not named here follows a rule: a call of the driver API is
// forwarded to the driver's function of that name, an internal call is written by hand. A method that must be written
// and is not there makes the class RealBackend abstract, which the compiler reports by the method's name.
import { ProtocolError } from '../errors.js';
import type { RemoteCall } from '../schema.js';

/** Internal calls that are a driver's function under another name, because the guest does something before. */
const forwardedAs: Readonly<Record<string, string>> = {
  vgpuContextSynchronize: 'cuCtxSynchronize',
  vgpuEventRecord: 'cuEventRecord',
  vgpuStreamWaitEvent: 'cuStreamWaitEvent',
};

/** Calls of the driver API that need more than translated handles; the reason stands beside each method. */
const written: readonly string[] = [
  ...['cuDevicePrimaryCtxRetain', 'cuDevicePrimaryCtxRelease_v2', 'cuDevicePrimaryCtxReset_v2'],
  ...['cuMemGetInfo_v2', 'cuMemAlloc_v2', 'cuMemAllocPitch_v2', 'cuMemGetAddressRange_v2'],
  ...[
    'cuArrayDestroy',
    'cuTexObjectDestroy',
    'cuMemAddressReserve',
    'cuMemAddressFree',
    'cuMemRelease',
    'cuMemMap',
    'cuMemUnmap',
  ],
];

/**
 * Calls that the real backend answers with "not supported", with the reason that the log gives, and the functions of
 * the guest that stand on them. This is where a new internal call goes for which there is no method yet:
 * `vgpuNewCall: { reason: 'what is missing', above: /^cu(da)?NewCall$/ }`.
 */
const refused: Readonly<Record<string, { readonly reason: string; readonly above: RegExp }>> = {
  // NVML then tells what the snapshot has, so nothing above is refused.
  vgpuDeviceMemory: { reason: 'how much memory is free only a context can ask', above: /(?!)/ },
  vgpuDeviceUtilization: {
    reason: 'kernels run behind the calls, and how long nobody measures',
    above: /^nvmlDeviceGet(Process)?Utilization(Rates)?$/,
  },
  vgpuDeviceXid: {
    reason: "the NVML of the GPU's own machine tells its Xid errors",
    above: /^nvml(DeviceRegisterEvents|EventSetWait(_v2)?)$/,
  },
};

/** Functions of the guest that work on the software GPU alone, though every call beneath them is answered. */
const lacking: readonly { readonly reason: string; readonly above: RegExp }[] = [
  { reason: "a driver's managed memory exists in the worker alone", above: /^__cudaRegisterManagedVar$/ },
];

/** Forwarded calls after which a handle means nothing any more: the parameter with the handle. */
const releases: Readonly<Record<string, string>> = {
  cuModuleUnload: 'hmod',
  cuMemPoolDestroy: 'pool',
  cuStreamDestroy_v2: 'hStream',
  cuEventDestroy_v2: 'hEvent',
};

export type RealAnswer =
  | { readonly kind: 'written' }
  | { readonly kind: 'refused'; readonly reason: string }
  | { readonly kind: 'forwarded'; readonly to: string; readonly releases: string | undefined };

export function realAnswer({ api, prototype: { name } }: RemoteCall): RealAnswer {
  const reason = refused[name]?.reason;
  if (reason !== undefined) return { kind: 'refused', reason };
  const to = forwardedAs[name] ?? (api === 'driver' ? name : undefined);
  if (to === undefined || written.includes(name)) return { kind: 'written' };
  const released = releases[name];
  if (released === undefined && /Destroy|Unload|Release|Free/.test(name)) {
    throw new ProtocolError(
      'ERR_VGPU_PROTOCOL_TABLE',
      `${name} ends an object's life: name its handle in "releases" of table/real-backend.ts, or put it into "written"`,
    );
  }
  return { kind: 'forwarded', to, releases: released };
}

/** Why a function of the guest does not work on the real backend; undefined when nothing beneath it is refused. */
export const refusedBeneath = (name: string): string | undefined =>
  [...Object.values(refused), ...lacking].find(({ above }) => above.test(name))?.reason;

/** Every name above must be a remote call: the lists are not to outlive what they are about. */
export function checkRealBackend(calls: readonly RemoteCall[]): void {
  const known = new Set(calls.map(({ prototype }) => prototype.name));
  for (const name of [
    ...Object.keys(forwardedAs),
    ...written,
    ...Object.keys(refused),
    ...Object.keys(releases),
  ]) {
    if (!known.has(name)) {
      throw new ProtocolError(
        'ERR_VGPU_PROTOCOL_TABLE',
        `table/real-backend.ts names ${name}, which is no remote call`,
      );
    }
  }
}
