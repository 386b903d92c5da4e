// Asks whoever listens at a socket what it serves.
import { connect } from 'node:net';
import {
  decodeDevice,
  decodeWelcome,
  deviceBytes,
  encodeHello,
  ProtocolError,
  welcomeBytes,
} from '@vgpu/protocol/handshake';
import { ExecutorError } from './errors.js';

export interface Device {
  name: string;
  memoryBytes: number;
  /** "software" or "real". */
  backend: string;
}

/**
 * Connects, asks and hangs up.
 * @throws ExecutorError ERR_VGPU_EXECUTOR_UNREACHABLE, _TIMEOUT, _PROTOCOL, _REFUSED
 */
export function askDevice(socketPath: string, timeoutMs: number): Promise<Device> {
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
    socket.on('connect', () => socket.write(encodeHello(process.pid, 'vgpu')));
    socket.on('error', (cause) => fail(unreachable(socketPath, cause)));
    socket.on('end', () => fail(protocolError(socketPath, `it hung up after ${received.length} bytes`)));
    socket.on('data', (bytes) => {
      received = Buffer.concat([received, bytes]);
      try {
        const device = readAnswer(received);
        if (device) finish(() => resolve(device));
      } catch (error) {
        fail(error instanceof ExecutorError ? error : notUnderstood(socketPath, error));
      }
    });
  });
}

/** undefined while the answer is not complete. */
function readAnswer(bytes: Buffer): Device | undefined {
  if (bytes.length < welcomeBytes) return undefined;
  const welcome = decodeWelcome(bytes);
  if (welcome.status !== 0) {
    throw new ExecutorError(
      'ERR_VGPU_EXECUTOR_REFUSED',
      `the executor refuses to serve: ${welcome.message} (CUDA error ${welcome.status})`,
    );
  }
  if (welcome.deviceCount === 0) {
    throw new ExecutorError('ERR_VGPU_EXECUTOR_REFUSED', 'the executor has no device');
  }
  if (bytes.length < welcomeBytes + deviceBytes) return undefined;
  const device = decodeDevice(bytes.subarray(welcomeBytes));
  return { name: device.name, memoryBytes: Number(device.memoryBytes), backend: welcome.backend };
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
