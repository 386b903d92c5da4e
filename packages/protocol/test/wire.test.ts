import { describe, expect, it } from 'vitest';
import { ProtocolError } from '../src/errors.js';
import { decodeDevice, decodeWelcome, deviceBytes, encodeHello, welcomeBytes } from '../src/handshake.js';
import { schemaHash } from '../src/schema-hash.js';
import {
  device,
  fieldOffset,
  magic,
  protocolVersion,
  structureBytes,
  welcome,
  wireStructures,
} from '../src/wire.js';

function makeWelcome(): Uint8Array {
  const bytes = new Uint8Array(welcomeBytes);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, magic, true);
  view.setUint32(fieldOffset(welcome, 'protocol_version'), protocolVersion, true);
  bytes.set(schemaHash(), fieldOffset(welcome, 'schema_hash'));
  view.setUint32(fieldOffset(welcome, 'device_count'), 1, true);
  view.setInt32(fieldOffset(welcome, 'driver_version'), 13000, true);
  bytes.set(new TextEncoder().encode('software'), fieldOffset(welcome, 'backend'));
  return bytes;
}

const codeOf = (run: () => unknown): unknown => {
  try {
    return run();
  } catch (error) {
    return error instanceof ProtocolError ? error.code : error;
  }
};

describe('wire structures', () => {
  it('need no padding: each field lies at a multiple of its size', () => {
    const sizes = { u8: 1, char: 1, i32: 4, u32: 4, i64: 8, u64: 8 };
    for (const structure of wireStructures) {
      for (const field of structure.fields) {
        expect(
          fieldOffset(structure, field.name) % sizes[field.type],
          `${structure.name}.${field.name}`,
        ).toBe(0);
      }
      expect(structureBytes(structure) % 8).toBe(0);
    }
  });
});

describe('handshake', () => {
  it('opens with magic, version, hash and program', () => {
    const bytes = encodeHello(4711, 'ollama');
    expect(new TextDecoder().decode(bytes.subarray(0, 4))).toBe('VGPU');
    expect(bytes.subarray(8, 40)).toEqual(schemaHash());
    expect(new TextDecoder().decode(bytes).includes('ollama')).toBe(true);
  });

  it('cuts a long program name and keeps the terminating NUL', () => {
    const bytes = encodeHello(1, 'x'.repeat(500));
    expect(bytes.at(-1)).toBe(0);
  });

  it('reads a welcome', () => {
    const bytes = makeWelcome();
    bytes.fill(1, fieldOffset(welcome, 'nonce'), fieldOffset(welcome, 'nonce') + 32);
    bytes.fill(2, fieldOffset(welcome, 'proof'), fieldOffset(welcome, 'proof') + 32);
    expect(decodeWelcome(bytes)).toEqual({
      status: 0,
      message: '',
      backend: 'software',
      driverVersion: 13000,
      deviceCount: 1,
      nonce: new Uint8Array(32).fill(1),
      proof: new Uint8Array(32).fill(2),
    });
  });

  it('reads a device', () => {
    const bytes = new Uint8Array(deviceBytes);
    const view = new DataView(bytes.buffer);
    view.setBigUint64(fieldOffset(device, 'total_memory'), 5_000_000_000n, true);
    bytes.set(
      Uint8Array.from({ length: 16 }, (_, index) => index),
      fieldOffset(device, 'uuid'),
    );
    bytes.set(new TextEncoder().encode('a name'), fieldOffset(device, 'name'));
    expect(decodeDevice(bytes)).toEqual({
      name: 'a name',
      memoryBytes: 5_000_000_000n,
      pciBusId: '',
      uuid: '00010203-0405-0607-0809-0a0b0c0d0e0f',
    });
  });

  it('refuses what is no welcome', () => {
    expect(codeOf(() => decodeWelcome(new Uint8Array(10)))).toBe('ERR_VGPU_PROTOCOL_FRAME');
    expect(codeOf(() => decodeWelcome(new Uint8Array(welcomeBytes)))).toBe('ERR_VGPU_PROTOCOL_FRAME');
    expect(codeOf(() => decodeDevice(new Uint8Array(deviceBytes - 1)))).toBe('ERR_VGPU_PROTOCOL_FRAME');
    const crowded = makeWelcome();
    new DataView(crowded.buffer).setUint32(fieldOffset(welcome, 'device_count'), 65, true);
    expect(codeOf(() => decodeWelcome(crowded))).toBe('ERR_VGPU_PROTOCOL_FRAME');
  });

  it('refuses an executor of another version or table', () => {
    const version = makeWelcome();
    new DataView(version.buffer).setUint32(4, protocolVersion + 1, true);
    expect(codeOf(() => decodeWelcome(version))).toBe('ERR_VGPU_PROTOCOL_MISMATCH');
    const hash = makeWelcome();
    hash[fieldOffset(welcome, 'schema_hash') + 31] =
      (hash[fieldOffset(welcome, 'schema_hash') + 31] ?? 0) ^ 1;
    expect(codeOf(() => decodeWelcome(hash))).toBe('ERR_VGPU_PROTOCOL_MISMATCH');
  });
});
