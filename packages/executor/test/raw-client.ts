// Speaks the wire format by hand, so that a test can also speak it wrongly.
import { connect, type Socket } from 'node:net';
import { calls } from '@vgpu/protocol';
import { decodeDevice, deviceBytes, encodeHello, welcomeBytes } from '@vgpu/protocol/handshake';

const FRAME_BYTES = 24;
export const DEFERRED = 1;

const remoteNames = calls.filter(({ kind }) => kind === 'remote').map(({ prototype }) => prototype.name);

/** A call's number in a frame. */
export function callNumber(name: string): number {
  const index = remoteNames.indexOf(name);
  if (index < 0) throw new Error(`no remote call ${name}`);
  return index + 1;
}

export const u32 = (value: number): Buffer => {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
};
export const u64 = (value: bigint | number): Buffer => {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(BigInt(value));
  return bytes;
};
export const counted = (content: Uint8Array | string): Buffer => {
  const bytes = Buffer.from(content);
  return Buffer.concat([u64(bytes.length), bytes]);
};

export interface FrameFields {
  call: number;
  payload?: Uint8Array;
  /** Instead of the payload's own length. */
  payloadBytes?: number;
  sequence?: number;
  flags?: number;
  context?: bigint;
}

export function frame({
  call,
  payload = new Uint8Array(),
  payloadBytes,
  sequence = 1,
  flags = 0,
  context = 0n,
}: FrameFields): Buffer {
  const header = Buffer.alloc(FRAME_BYTES);
  header.writeUInt32LE(payloadBytes ?? payload.length, 0);
  header.writeUInt32LE(call, 4);
  header.writeUInt32LE(sequence, 8);
  header.writeInt32LE(flags, 12);
  header.writeBigUInt64LE(context, 16);
  return Buffer.concat([header, payload]);
}

export interface Answer {
  status: number;
  payload: Buffer;
  sequence: number;
  /** Signs of life that came before it. */
  alive: number;
}

/** The path of a unix socket, or where to find a TCP one. */
export type RawAddress = string | { host: string; port: number };

export class RawClient {
  readonly socket: Socket;
  context = 0n;
  deviceMemoryBytes = 0;
  #received = Buffer.alloc(0);
  #ended = false;
  #wake: () => void = () => {};
  #sequence = 0;

  private constructor(socket: Socket) {
    this.socket = socket;
    socket.on('data', (bytes) => {
      this.#received = Buffer.concat([this.#received, bytes]);
      this.#wake();
    });
    const end = () => {
      this.#ended = true;
      this.#wake();
    };
    socket.on('close', end);
    socket.on('end', end);
    // A daemon that hangs up on us with bytes unread resets the connection.
    socket.on('error', end);
  }

  static connect(address: RawAddress): Promise<RawClient> {
    return new Promise((resolve, reject) => {
      const socket = connect(typeof address === 'string' ? { path: address } : address);
      socket.once('error', reject);
      socket.once('connect', () => resolve(new RawClient(socket)));
    });
  }

  /** Connected, welcome, and with the primary context current. */
  static async open(address: RawAddress, program = 'raw-client'): Promise<RawClient> {
    const client = await RawClient.connect(address);
    client.socket.write(encodeHello(process.pid, program));
    const welcome = await client.read(welcomeBytes);
    const status = welcome.readInt32LE(40);
    if (status !== 0)
      throw new Error(`refused with ${status}: ${welcome.toString('utf8', 120).replace(/\0.*/s, '')}`);
    const devices = await client.read(deviceBytes * welcome.readUInt32LE(44));
    client.deviceMemoryBytes = Number(decodeDevice(devices).memoryBytes);
    client.context = (await client.call('cuDevicePrimaryCtxRetain', u32(0))).payload.readBigUInt64LE();
    return client;
  }

  /** Rejects when the connection ends before. */
  async read(bytes: number): Promise<Buffer> {
    while (this.#received.length < bytes) {
      if (this.#ended)
        throw new Error(`the executor hung up after ${this.#received.length} of ${bytes} bytes`);
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    const result = this.#received.subarray(0, bytes);
    this.#received = this.#received.subarray(bytes);
    return result;
  }

  /** Resolves with what came before, when the executor hangs up. */
  async ended(): Promise<Buffer> {
    while (!this.#ended) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    return this.#received;
  }

  send(name: string, payload?: Uint8Array, flags = 0): void {
    this.#sequence += 1;
    const fields = { call: callNumber(name), sequence: this.#sequence, flags, context: this.context };
    this.socket.write(frame(payload ? { ...fields, payload } : fields));
  }

  async answer(): Promise<Answer> {
    for (let alive = 0; ; alive += 1) {
      const header = await this.read(FRAME_BYTES);
      const payload = await this.read(header.readUInt32LE(0));
      if (header.readUInt32LE(4) === 0) continue;
      return {
        status: header.readInt32LE(12),
        sequence: header.readUInt32LE(8),
        payload: Buffer.from(payload),
        alive,
      };
    }
  }

  call(name: string, ...payload: Uint8Array[]): Promise<Answer> {
    this.send(name, Buffer.concat(payload));
    return this.answer();
  }

  close(): void {
    this.socket.destroy();
  }
}
