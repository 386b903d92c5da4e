// Asks whoever listens at a socket, in one exchange.
import { connect } from 'node:net';
import {
  decodeDevice,
  decodeWelcome,
  deviceBytes,
  encodeHello,
  type HelloPurpose,
  ProtocolError,
  type Welcome,
  welcomeBytes,
} from '@vgpu/protocol/handshake';
import { ExecutorError } from './errors.js';

export interface Device {
  name: string;
  memoryBytes: number;
  /** "software" or "real". */
  backend: string;
}

/** No executor has so many clients that it would need more. */
const MAXIMUM_STATUS_BYTES = 64 * 1024 * 1024;

/**
 * Connects, asks and hangs up.
 * @throws ExecutorError ERR_VGPU_EXECUTOR_UNREACHABLE, _TIMEOUT, _PROTOCOL, _REFUSED
 */
export function askDevice(socketPath: string, timeoutMs: number): Promise<Device> {
  return ask(socketPath, 'session', timeoutMs, (welcome, rest) => {
    if (welcome.deviceCount === 0) {
      throw new ExecutorError('ERR_VGPU_EXECUTOR_REFUSED', 'the executor has no device');
    }
    if (rest.length < deviceBytes) return undefined;
    const device = decodeDevice(rest);
    return { name: device.name, memoryBytes: Number(device.memoryBytes), backend: welcome.backend };
  });
}

/**
 * The JSON with which the executor describes itself and its clients.
 * @throws ExecutorError as askDevice
 */
export function askStatus(socketPath: string, timeoutMs: number): Promise<string> {
  return ask(socketPath, 'status', timeoutMs, (_welcome, rest) => {
    if (rest.length < 8) return undefined;
    const length = Number(rest.readBigUInt64LE());
    if (length > MAXIMUM_STATUS_BYTES) throw protocolError(socketPath, `a status of ${length} bytes`);
    return rest.length < 8 + length ? undefined : rest.toString('utf8', 8, 8 + length);
  });
}

/** `read` gets what has come behind the welcome so far, and gives undefined while it is not complete. */
function ask<Answer>(
  socketPath: string,
  purpose: HelloPurpose,
  timeoutMs: number,
  read: (welcome: Welcome, rest: Buffer) => Answer | undefined,
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const socket = connect(socketPath);
    let received = Buffer.alloc(0);
    const finish = (settle: () => void) => {
      clearTimeout(timer);
      socket.destroy();
      settle();
    };
    const fail = (error: ExecutorError) => finish(() => reject(error));
    const timer = setTimeout(
      () =>
        fail(
          new ExecutorError('ERR_VGPU_EXECUTOR_TIMEOUT', `no answer from ${socketPath} in ${timeoutMs} ms`),
        ),
      timeoutMs,
    );
    socket.on('connect', () => socket.write(encodeHello(process.pid, 'vgpu', purpose)));
    socket.on('error', (cause) => fail(unreachable(socketPath, cause)));
    socket.on('end', () => fail(protocolError(socketPath, `it hung up after ${received.length} bytes`)));
    socket.on('data', (bytes) => {
      received = Buffer.concat([received, bytes]);
      if (received.length < welcomeBytes) return;
      try {
        const answer = read(acceptedWelcome(received), received.subarray(welcomeBytes));
        if (answer !== undefined) finish(() => resolve(answer));
      } catch (error) {
        fail(error instanceof ExecutorError ? error : notUnderstood(socketPath, error));
      }
    });
  });
}

function acceptedWelcome(bytes: Buffer): Welcome {
  const welcome = decodeWelcome(bytes);
  if (welcome.status === 0) return welcome;
  throw new ExecutorError(
    'ERR_VGPU_EXECUTOR_REFUSED',
    `the executor refuses to serve: ${welcome.message} (CUDA error ${welcome.status})`,
  );
}

function unreachable(socketPath: string, cause: Error): ExecutorError {
  return new ExecutorError('ERR_VGPU_EXECUTOR_UNREACHABLE', `no executor answers at ${socketPath}`, {
    cause,
    remedy: 'check the address, and that the executor runs and may be used by this user',
  });
}

function notUnderstood(socketPath: string, error: unknown): ExecutorError {
  const mismatch = error instanceof ProtocolError && error.code === 'ERR_VGPU_PROTOCOL_MISMATCH';
  return new ExecutorError(
    'ERR_VGPU_EXECUTOR_PROTOCOL',
    mismatch
      ? `the executor at ${socketPath} was built from another version of vgpu`
      : `what listens at ${socketPath} is no executor`,
    { cause: error, ...(mismatch && { remedy: 'use the same version of vgpu on both sides' }) },
  );
}

function protocolError(socketPath: string, what: string): ExecutorError {
  return new ExecutorError(
    'ERR_VGPU_EXECUTOR_PROTOCOL',
    `what listens at ${socketPath} is no executor: ${what}`,
  );
}
