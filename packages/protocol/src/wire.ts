// The wire format: fixed structures of the handshake and the frame header. All integers are little-endian; every
// structure is laid out so that C needs no padding.
import { blasProduct, blasSolve, blasVector } from './wire-blas.js';
import { array, texture } from './wire-texture.js';

export type FieldType = 'u8' | 'char' | 'i32' | 'u32' | 'i64' | 'u64';

export interface WireField {
  readonly name: string;
  readonly type: FieldType;
  readonly count?: number;
  /** What it means, with units; becomes the comment in the generated header. */
  readonly about: string;
}

export interface WireStructure {
  readonly name: string;
  readonly about: string;
  readonly fields: readonly WireField[];
}

/** Raised whenever the handshake itself changes; everything after it is covered by the schema hash. */
export const protocolVersion = 2;

/** Bytes of a random number that is used once, and of a proof (HMAC-SHA-256). */
export const nonceBytes = 32;
export const proofBytes = 32;

/**
 * What each side computes its proof of the token over: its own label, the guest's nonce, the executor's nonce. The labels
 * keep a proof from being sent back as the other side's.
 */
export const proofLabels = { guest: 'vgpu guest proof', executor: 'vgpu exec. proof' } as const;

/** In place of a CUresult in a welcome: prove that you know the token. */
export const statusProve = -1;

/** What a connection is for. */
export const helloPurposes = { session: 0, status: 1 } as const;

/** "VGPU", read as a little-endian u32. */
export const magic = 0x55504756;

/** No frame may claim more than this. Copies travel in pieces of at most copyPieceBytes. */
export const framePayloadLimit = 256 * 1024 * 1024;
export const copyPieceBytes = 4 * 1024 * 1024;
/** Copies to the device are carried out while they arrive, and need not fit into memory a second time. */
export const copyToDevicePieceBytes = 64 * 1024 * 1024;

/** Device attributes travel as an array indexed by CUdevice_attribute. */
export const deviceAttributeCount = 160;
export const attributeUnknown = -0x80000000;
export const maximumDevices = 64;

export const hello: WireStructure = {
  name: 'vgpu_hello',
  about: 'First bytes on a connection, guest to executor.',
  fields: [
    { name: 'magic', type: 'u32', about: 'VGPU_MAGIC' },
    { name: 'protocol_version', type: 'u32', about: 'VGPU_PROTOCOL_VERSION' },
    { name: 'schema_hash', type: 'u8', count: 32, about: 'VGPU_SCHEMA_HASH' },
    { name: 'process_id', type: 'u32', about: "the guest's process id, for logs" },
    { name: 'purpose', type: 'u32', about: 'VGPU_HELLO_SESSION or VGPU_HELLO_STATUS' },
    { name: 'features', type: 'u32', about: 'VGPU_FEATURE_… that the guest can use' },
    { name: 'reserved', type: 'u32', about: 'zero' },
    { name: 'program', type: 'char', count: 64, about: "the guest's program name, NUL-terminated, for logs" },
    {
      name: 'nonce',
      type: 'u8',
      count: nonceBytes,
      about: 'random, of a guest with a token; otherwise zero',
    },
  ],
};

export const welcome: WireStructure = {
  name: 'vgpu_welcome',
  about:
    'The answer to vgpu_hello. When status is 0, device_count structures vgpu_device follow; to VGPU_HELLO_STATUS, a u64 and as many bytes of JSON.',
  fields: [
    { name: 'magic', type: 'u32', about: 'VGPU_MAGIC' },
    { name: 'protocol_version', type: 'u32', about: "the executor's VGPU_PROTOCOL_VERSION" },
    { name: 'schema_hash', type: 'u8', count: 32, about: "the executor's VGPU_SCHEMA_HASH" },
    {
      name: 'status',
      type: 'i32',
      about: 'a CUresult, or VGPU_STATUS_PROVE; the connection ends when it is neither that nor 0',
    },
    { name: 'device_count', type: 'u32', about: 'at most VGPU_MAXIMUM_DEVICES' },
    { name: 'driver_version', type: 'i32', about: 'as cuDriverGetVersion reports it: 13000 is CUDA 13.0' },
    { name: 'features', type: 'u32', about: 'those of the hello that the connection uses' },
    { name: 'backend', type: 'char', count: 32, about: '"software" or "real", NUL-terminated' },
    { name: 'driver_release', type: 'char', count: 32, about: 'as NVML reports it: "580.95.05"' },
    { name: 'message', type: 'char', count: 256, about: 'why status is not 0, for the log, NUL-terminated' },
    { name: 'nonce', type: 'u8', count: nonceBytes, about: 'random, with VGPU_STATUS_PROVE; otherwise zero' },
    {
      name: 'proof',
      type: 'u8',
      count: proofBytes,
      about: "the executor's, after the guest's; otherwise zero",
    },
  ],
};

export const proof: WireStructure = {
  name: 'vgpu_proof',
  about: 'The answer to VGPU_STATUS_PROVE; another vgpu_welcome answers it.',
  fields: [
    {
      name: 'proof',
      type: 'u8',
      count: proofBytes,
      about: 'HMAC-SHA-256 with the token as key over VGPU_PROOF_LABEL_GUEST and both nonces',
    },
  ],
};

export const device: WireStructure = {
  name: 'vgpu_device',
  about: 'What does not change about a device: discovery needs no further call.',
  fields: [
    { name: 'total_memory', type: 'u64', about: 'bytes' },
    {
      name: 'address_base',
      type: 'u64',
      about: 'every device pointer of the device lies in [address_base, …',
    },
    { name: 'address_bytes', type: 'u64', about: '… address_base + address_bytes)' },
    { name: 'uuid', type: 'u8', count: 16, about: 'as cuDeviceGetUuid reports it' },
    { name: 'name', type: 'char', count: 128, about: 'NUL-terminated' },
    { name: 'pci_bus_id', type: 'char', count: 16, about: '"0000:01:00.0", NUL-terminated' },
    {
      name: 'attributes',
      type: 'i32',
      count: deviceAttributeCount,
      about: 'by CUdevice_attribute; VGPU_ATTRIBUTE_UNKNOWN where the device has no answer',
    },
  ],
};

export const deviceProcess: WireStructure = {
  name: 'vgpu_device_process',
  about: 'A process that uses the device.',
  fields: [
    { name: 'process_id', type: 'u32', about: 'as the executor sees it; 0: none' },
    { name: 'utilization', type: 'u32', about: 'percent of the last second in which its kernels ran' },
    { name: 'memory_bytes', type: 'u64', about: 'that it has allocated' },
  ],
};

export const frame: WireStructure = {
  name: 'vgpu_frame',
  about: 'In front of every request and response after the handshake.',
  fields: [
    { name: 'payload_bytes', type: 'u32', about: 'what follows, at most VGPU_FRAME_PAYLOAD_LIMIT' },
    { name: 'call', type: 'u32', about: 'enum vgpu_call' },
    { name: 'sequence', type: 'u32', about: "chosen by the guest; a response repeats its request's" },
    { name: 'status', type: 'i32', about: 'request: VGPU_FRAME_… flags; response: a CUresult' },
    {
      name: 'context',
      type: 'u64',
      about: "request: the calling thread's current context or 0; response: VGPU_RESPONSE_… flags",
    },
  ],
};

export const wireStructures: readonly WireStructure[] = [
  hello,
  welcome,
  proof,
  device,
  frame,
  deviceProcess,
  blasProduct,
  blasSolve,
  blasVector,
  array,
  texture,
];

const fieldBytes: Readonly<Record<FieldType, number>> = { u8: 1, char: 1, i32: 4, u32: 4, i64: 8, u64: 8 };

export function structureBytes(structure: WireStructure): number {
  return structure.fields.reduce((sum, field) => sum + fieldBytes[field.type] * (field.count ?? 1), 0);
}

/** Byte offset of a field; C agrees because no structure needs padding. */
export function fieldOffset(structure: WireStructure, name: string): number {
  let offset = 0;
  for (const field of structure.fields) {
    if (field.name === name) return offset;
    offset += fieldBytes[field.type] * (field.count ?? 1);
  }
  throw new RangeError(`${structure.name} has no field "${name}"`);
}
