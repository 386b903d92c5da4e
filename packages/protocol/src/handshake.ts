// The handshake from TypeScript: asking an executor what it serves, without any CUDA. It is a module of its own, and
// does without the table, because loading and checking that takes longer than starting an executor.
import { schemaHashHex } from '../generated/schema_hash.js';
import { ProtocolError } from './errors.js';
import {
  device,
  fieldOffset,
  hello,
  helloPurposes,
  magic,
  maximumDevices,
  nonceBytes,
  proofBytes,
  protocolVersion,
  structureBytes,
  welcome,
} from './wire.js';

export { ProtocolError } from './errors.js';
export { nonceBytes, proofLabels, statusProve } from './wire.js';

export interface DeviceDescription {
  readonly name: string;
  readonly memoryBytes: bigint;
  readonly pciBusId: string;
  /** 16 bytes, in hexadecimal with dashes, as NVML prints it after "GPU-". */
  readonly uuid: string;
}

export interface Welcome {
  /** A CUresult, 0 when the executor serves; or statusProve. */
  readonly status: number;
  readonly message: string;
  readonly backend: string;
  readonly driverVersion: number;
  readonly deviceCount: number;
  readonly nonce: Uint8Array;
  readonly proof: Uint8Array;
}

const ourHash = Uint8Array.from(Buffer.from(schemaHashHex, 'hex'));

export const welcomeBytes = structureBytes(welcome);
export const deviceBytes = structureBytes(device);

function text(bytes: Uint8Array, offset: number, count: number): string {
  const field = bytes.subarray(offset, offset + count);
  const end = field.indexOf(0);
  return new TextDecoder().decode(end < 0 ? field : field.subarray(0, end));
}

function textField(bytes: Uint8Array, structure: typeof welcome, name: string): string {
  const field = structure.fields.find((candidate) => candidate.name === name);
  return text(bytes, fieldOffset(structure, name), field?.count ?? 0);
}

function bytesField(bytes: Uint8Array, name: string, count: number): Uint8Array {
  const offset = fieldOffset(welcome, name);
  return bytes.slice(offset, offset + count);
}

/** What a connection is for: CUDA calls, or asking the executor about itself and its clients. */
export type HelloPurpose = keyof typeof helloPurposes;

/** The bytes that open a connection. `program` is cut to 63 bytes of UTF-8. */
export function encodeHello(
  processId: number,
  program: string,
  purpose: HelloPurpose = 'session',
  nonce: Uint8Array = new Uint8Array(nonceBytes),
): Uint8Array {
  const bytes = new Uint8Array(structureBytes(hello));
  const view = new DataView(bytes.buffer);
  view.setUint32(fieldOffset(hello, 'magic'), magic, true);
  view.setUint32(fieldOffset(hello, 'protocol_version'), protocolVersion, true);
  bytes.set(ourHash, fieldOffset(hello, 'schema_hash'));
  view.setUint32(fieldOffset(hello, 'process_id'), processId, true);
  bytes.set(nonce, fieldOffset(hello, 'nonce'));
  view.setUint32(fieldOffset(hello, 'purpose'), helloPurposes[purpose], true);
  bytes.set(new TextEncoder().encode(program).subarray(0, 63), fieldOffset(hello, 'program'));
  return bytes;
}

/**
 * Reads the executor's answer; `bytes` must hold welcomeBytes.
 * @throws ProtocolError ERR_VGPU_PROTOCOL_FRAME when it is no welcome, ERR_VGPU_PROTOCOL_MISMATCH when the executor
 * was built from another table.
 */
export function decodeWelcome(bytes: Uint8Array): Welcome {
  if (bytes.length < welcomeBytes) {
    throw new ProtocolError(
      'ERR_VGPU_PROTOCOL_FRAME',
      `a welcome has ${welcomeBytes} bytes, not ${bytes.length}`,
    );
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (view.getUint32(0, true) !== magic) {
    throw new ProtocolError('ERR_VGPU_PROTOCOL_FRAME', 'the peer does not speak the vgpu protocol');
  }
  const theirs = bytes.subarray(
    fieldOffset(welcome, 'schema_hash'),
    fieldOffset(welcome, 'schema_hash') + 32,
  );
  if (
    view.getUint32(fieldOffset(welcome, 'protocol_version'), true) !== protocolVersion ||
    ourHash.some((byte, index) => byte !== theirs[index])
  ) {
    throw new ProtocolError(
      'ERR_VGPU_PROTOCOL_MISMATCH',
      'executor and client were built from different versions',
    );
  }
  const deviceCount = view.getUint32(fieldOffset(welcome, 'device_count'), true);
  if (deviceCount > maximumDevices) {
    throw new ProtocolError('ERR_VGPU_PROTOCOL_FRAME', `${deviceCount} devices, more than ${maximumDevices}`);
  }
  return {
    status: view.getInt32(fieldOffset(welcome, 'status'), true),
    message: textField(bytes, welcome, 'message'),
    backend: textField(bytes, welcome, 'backend'),
    driverVersion: view.getInt32(fieldOffset(welcome, 'driver_version'), true),
    deviceCount,
    nonce: bytesField(bytes, 'nonce', nonceBytes),
    proof: bytesField(bytes, 'proof', proofBytes),
  };
}

/** Reads one of the device structures that follow a welcome. */
export function decodeDevice(bytes: Uint8Array): DeviceDescription {
  if (bytes.length < deviceBytes) {
    throw new ProtocolError(
      'ERR_VGPU_PROTOCOL_FRAME',
      `a device has ${deviceBytes} bytes, not ${bytes.length}`,
    );
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const uuidOffset = fieldOffset(device, 'uuid');
  const hex = Array.from(bytes.subarray(uuidOffset, uuidOffset + 16), (byte) =>
    byte.toString(16).padStart(2, '0'),
  ).join('');
  return {
    name: textField(bytes, device, 'name'),
    memoryBytes: view.getBigUint64(fieldOffset(device, 'total_memory'), true),
    pciBusId: textField(bytes, device, 'pci_bus_id'),
    uuid: hex.replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-'),
  };
}
