// Asks whoever listens at a socket, in one exchange.
import { randomBytes } from 'node:crypto';
import { connect } from 'node:net';
import {
  decodeDevice,
  decodeWelcome,
  deviceBytes,
  encodeHello,
  type HelloPurpose,
  nonceBytes,
  ProtocolError,
  statusProve,
  type Welcome,
  welcomeBytes,
} from '@vgpu/protocol/handshake';
import { type ExecutorAddress, parseExecutorUrl } from './address.js';
import { ExecutorError } from './errors.js';
import { Token } from './token.js';

export interface Device {
  name: string;
  memoryBytes: number;
  /** "software" or "real". */
  backend: string;
}

/** No executor has so many clients that it would need more. */
const MAXIMUM_STATUS_BYTES = 64 * 1024 * 1024;

export interface AskOptions {
  timeoutMs: number;
  /** For an executor on another machine; $VGPU_TOKEN_FILE where it is not given. */
  tokenFile?: string | undefined;
}

/**
 * Connects, asks and hangs up.
 * @throws ExecutorError ERR_VGPU_EXECUTOR_OPTIONS, _TOKEN, _UNREACHABLE, _TIMEOUT, _PROTOCOL, _REFUSED
 */
export function askDevice(url: string, options: AskOptions): Promise<Device> {
  return ask(url, 'session', options, (welcome, rest) => {
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
export function askStatus(url: string, options: AskOptions): Promise<string> {
  return ask(url, 'status', options, (_welcome, rest) => {
    if (rest.length < 8) return undefined;
    const length = Number(rest.readBigUInt64LE());
    if (length > MAXIMUM_STATUS_BYTES) throw protocolError(url, `a status of ${length} bytes`);
    return rest.length < 8 + length ? undefined : rest.toString('utf8', 8, 8 + length);
  });
}

/** `read` gets what has come behind the welcome so far, and gives undefined while it is not complete. */
async function ask<Answer>(
  url: string,
  purpose: HelloPurpose,
  { timeoutMs, tokenFile }: AskOptions,
  read: (welcome: Welcome, rest: Buffer) => Answer | undefined,
): Promise<Answer> {
  const address = parseExecutorUrl(url);
  const proving = new Proving(address, tokenFile);
  return new Promise((resolve, reject) => {
    const socket = connect(address);
    let received = Buffer.alloc(0);
    const finish = (settle: () => void) => {
      clearTimeout(timer);
      socket.destroy();
      settle();
    };
    const fail = (error: ExecutorError) => finish(() => reject(error));
    const timeout = () =>
      fail(new ExecutorError('ERR_VGPU_EXECUTOR_TIMEOUT', `no answer from ${url} in ${timeoutMs} ms`));
    const timer = setTimeout(timeout, timeoutMs);
    const consume = (): Answer | undefined => {
      if (received.length < welcomeBytes) return undefined;
      const welcome = decodeWelcome(received);
      if (welcome.status === statusProve) {
        received = received.subarray(welcomeBytes);
        socket.write(proving.answer(welcome));
        return consume();
      }
      proving.check(welcome);
      return read(welcome, received.subarray(welcomeBytes));
    };
    socket.on('connect', () => socket.write(encodeHello(process.pid, 'vgpu', purpose, proving.nonce)));
    socket.on('error', (cause) => fail(unreachable(url, cause)));
    socket.on('end', () => fail(protocolError(url, `it hung up after ${received.length} bytes`)));
    socket.on('data', (bytes) => {
      received = Buffer.concat([received, bytes]);
      try {
        const answer = consume();
        if (answer !== undefined) finish(() => resolve(answer));
      } catch (error) {
        fail(error instanceof ExecutorError ? error : notUnderstood(url, error));
      }
    });
  });
}

/** Our side of proving the token; see vgpu_proof in the protocol. */
class Proving {
  readonly nonce: Uint8Array;
  readonly #token: Token | undefined;
  #executorNonce: Uint8Array | undefined;

  constructor(address: ExecutorAddress, tokenFile = process.env.VGPU_TOKEN_FILE) {
    // Who is at a unix socket the kernel knows.
    this.#token = 'path' in address || !tokenFile ? undefined : Token.read(tokenFile);
    this.nonce = this.#token ? randomBytes(nonceBytes) : new Uint8Array(nonceBytes);
  }

  answer(demand: Welcome): Uint8Array {
    if (!this.#token) {
      throw new ExecutorError('ERR_VGPU_EXECUTOR_TOKEN', 'the executor asks for a token', {
        remedy: 'name the file that holds it: VGPU_TOKEN_FILE, or the option tokenFile',
      });
    }
    if (this.#executorNonce)
      throw new ProtocolError('ERR_VGPU_PROTOCOL_FRAME', 'a second demand for a proof');
    this.#executorNonce = demand.nonce;
    return this.#token.proof('guest', this.nonce, demand.nonce);
  }

  /** Whether the welcome is one, and comes from somebody who knows the token, where we do. */
  check(welcome: Welcome): void {
    if (welcome.status !== 0) {
      throw new ExecutorError(
        'ERR_VGPU_EXECUTOR_REFUSED',
        `the executor refuses to serve: ${welcome.message} (CUDA error ${welcome.status})`,
      );
    }
    if (!this.#token) return;
    const proved =
      this.#executorNonce && this.#token.isProof(welcome.proof, 'executor', this.nonce, this.#executorNonce);
    if (!proved) {
      throw new ExecutorError(
        'ERR_VGPU_EXECUTOR_TOKEN',
        'the executor does not prove that it knows the token',
        {
          remedy: 'give the executor the same token file',
        },
      );
    }
  }
}

function unreachable(url: string, cause: Error): ExecutorError {
  return new ExecutorError('ERR_VGPU_EXECUTOR_UNREACHABLE', `no executor answers at ${url}`, {
    cause,
    remedy: 'check the address, and that the executor runs and may be used by this user',
  });
}

function notUnderstood(url: string, error: unknown): ExecutorError {
  const mismatch = error instanceof ProtocolError && error.code === 'ERR_VGPU_PROTOCOL_MISMATCH';
  return new ExecutorError(
    'ERR_VGPU_EXECUTOR_PROTOCOL',
    mismatch
      ? `the executor at ${url} was built from another version of vgpu`
      : `what listens at ${url} is no executor`,
    { cause: error, ...(mismatch && { remedy: 'use the same version of vgpu on both sides' }) },
  );
}

function protocolError(url: string, what: string): ExecutorError {
  return new ExecutorError('ERR_VGPU_EXECUTOR_PROTOCOL', `what listens at ${url} is no executor: ${what}`);
}
