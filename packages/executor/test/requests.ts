// A well-formed request for every call of the table, and the objects that such requests name.
import { type CallEntry, calls } from '@vgpu/protocol';
import { expect } from 'vitest';
import { counted, type RawClient, u32, u64 } from './raw-client.js';

export type RemoteCall = Extract<CallEntry, { kind: 'remote' }>;
export const remoteCalls = calls.filter((call): call is RemoteCall => call.kind === 'remote');

export const PRIVATE_BYTES = 4096;
const RANGE_BYTES = 2 * 1024 * 1024;

const MODULE = `
.version 7.0
.target sm_75
.address_size 64
.visible .global .align 4 .b8 table[64];
.visible .entry nothing()
{
  ret;
}
`;

const HANDLE_TYPES = [
  'CUcontext',
  'CUmodule',
  'CUfunction',
  'CUstream',
  'CUevent',
  'CUmemoryPool',
  'CUmemGenericAllocationHandle',
  'CUdeviceptr',
  'CUarray',
  'CUtexObject',
] as const;
export type HandleType = (typeof HANDLE_TYPES)[number];
export type Handles = Record<HandleType | 'reserved' | 'mapped', bigint>;

export const isHandleType = (type: string): type is HandleType =>
  HANDLE_TYPES.some((handleType) => handleType === type);

/** Calls on ranges of addresses that memory is mapped into; the others take what was allocated. */
const RANGES: Partial<Record<string, 'reserved' | 'mapped'>> = {
  cuMemAddressFree: 'reserved',
  cuMemMap: 'reserved',
  cuMemUnmap: 'mapped',
  vgpuMemSetAccess: 'mapped',
  vgpuMemGetAccess: 'mapped',
  vgpuMemRetainHandle: 'mapped',
};
/** Bytes of vgpu_texture: what describes one is asked for as a whole. */
const TEXTURE_BYTES = 112;
/** A number that the call accepts. */
function ordinary(call: string, { name, type }: { name: string; type: string }): Buffer {
  if (type === 'CUdevice') return u32(0);
  if (call === 'vgpuTexObjectDescription') return u64(TEXTURE_BYTES);
  const inRange = RANGES[call] !== undefined;
  const value = inRange ? (/size|bytes/.test(name) ? RANGE_BYTES : 0) : 1;
  return /size_t|64_t|long long/.test(type) ? u64(value) : u32(value);
}

const handleFor = (call: string, type: HandleType, handles: Handles): bigint =>
  handles[(type === 'CUdeviceptr' && RANGES[call]) || type];

interface Unusual {
  /** A parameter with a handle of somebody else's. */
  readonly foreign?: readonly [name: string, handles: Handles];
  /** A number with another value. */
  readonly number?: readonly [name: string, value: bigint];
  /** A buffer or a string, as it is sent. */
  readonly buffer?: (content: string) => Buffer;
}

/** A request that the executor can read, or one that differs from it where it is said. */
export function request(
  call: RemoteCall,
  handles: Handles,
  { foreign, number, buffer = counted }: Unusual = {},
): Buffer {
  const callName = call.prototype.name;
  const sent: Buffer[] = [];
  const trailing: Buffer[] = [];
  const lengths = Object.values(call.roles).flatMap((role) => (role.role === 'bytesIn' ? [role.length] : []));
  for (const parameter of call.prototype.parameters) {
    const { name, type } = parameter;
    const role = call.roles[name]?.role;
    if (role === 'bytesIn') trailing.push(buffer('x'));
    else if (role === 'stringIn') sent.push(buffer('nothing'));
    else if (role !== 'in' || lengths.includes(name)) continue;
    else if (name === number?.[0]) sent.push(u64(number[1]));
    else if (isHandleType(type))
      sent.push(u64(handleFor(callName, type, name === foreign?.[0] ? foreign[1] : handles)));
    else sent.push(ordinary(callName, parameter));
  }
  return Buffer.concat([...sent, ...trailing]);
}

/** One object of each kind. */
export async function makeHandles(client: RawClient): Promise<Handles> {
  const make = async (call: string, ...payload: Buffer[]): Promise<bigint> => {
    const answer = await client.call(call, ...payload);
    expect(answer.status, call).toBe(0);
    return answer.payload.readBigUInt64LE();
  };
  const module = await make('vgpuModuleLoad', counted(MODULE));
  const event = await make('cuEventCreate', u32(0));
  expect((await client.call('vgpuEventRecord', u64(event), u64(0))).status).toBe(0);
  const memory = await make('vgpuMemCreate', u64(RANGE_BYTES), u32(0));
  // A box of 4 by 4 by 4 bytes, and a texture over it: CU_RESOURCE_TYPE_ARRAY and all else are 0.
  const array = await make(
    'vgpuArrayCreate',
    counted(Buffer.concat([u64(4), u64(4), u64(4), u32(1), u32(1), u64(0)])),
  );
  const texture = Buffer.concat([u64(array), Buffer.alloc(TEXTURE_BYTES - 8)]);
  const reserve = () => make('cuMemAddressReserve', u64(RANGE_BYTES), u64(0), u64(0), u64(0));
  const mapped = await reserve();
  const map = await client.call('cuMemMap', u64(mapped), u64(RANGE_BYTES), u64(0), u64(memory), u64(0));
  expect(map.status).toBe(0);
  return {
    CUcontext: await make('vgpuContextCreate', u32(0), u32(0)),
    CUmodule: module,
    CUfunction: await make('cuModuleGetFunction', u64(module), counted('nothing')),
    CUstream: await make('cuStreamCreate', u32(0)),
    CUevent: event,
    CUmemoryPool: await make('vgpuMemPoolCreate', u32(0), u64(0)),
    CUmemGenericAllocationHandle: memory,
    CUdeviceptr: await make('cuMemAlloc_v2', u64(PRIVATE_BYTES)),
    CUarray: array,
    CUtexObject: await make('vgpuTexObjectCreate', counted(texture)),
    reserved: await reserve(),
    mapped,
  };
}
