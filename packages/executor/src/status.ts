import { ExecutorError } from './errors.js';
import { askStatus } from './handshake.js';

/** One connection; a program that forks has several. Counters start at 0 with it and only grow. */
export interface ClientStatus {
  /** As the program calls itself, cut to 63 bytes. */
  readonly program: string;
  /** The client's process: of the executor's machine where `userId` is there, otherwise as the client gave it. */
  readonly processId: number;
  /** The client's user, where the connection is a unix socket. */
  readonly userId?: number | undefined;
  /** Where it connected from, such as "tcp:192.0.2.1:40000" or "vsock:3:1024", where it is no unix socket. */
  readonly address?: string | undefined;
  /** The executor's process that serves it. */
  readonly workerProcessId: number;
  readonly connectedAt: Date;
  /** Device memory that it has allocated. */
  readonly memoryBytes: number;
  /** Requests that reached the executor; what the guest library answers by itself is not among them. */
  readonly calls: number;
  readonly kernels: number;
  /** Time in which its kernels ran, with the one that runs now; stays 0 on the real backend, which does not measure it. */
  readonly busyMilliseconds: number;
}

export interface ExecutorStatus {
  /** The daemon's. */
  readonly processId: number;
  /** "software" or "real". */
  readonly backend: string;
  readonly startedAt: Date;
  readonly maximumClients: number;
  /** Of all clients together; 0 when only the device limits it. */
  readonly memoryBytes: number;
  readonly memoryInUseBytes: number;
  /** What each client may allocate; 0 when only the device limits it. */
  readonly clientMemoryBytes: number;
  /** Since the start, with the clients that have left. */
  readonly totals: { readonly clients: number; readonly calls: number; readonly kernels: number };
  /** Those that are connected now. */
  readonly clients: readonly ClientStatus[];
}

export interface ConnectOptions {
  /** The secret for an executor at a TCP address; $VGPU_TOKEN_FILE where it is not given. */
  tokenFile?: string | undefined;
}

const TIMEOUT_MS = 5_000;

/**
 * Asks a running executor about itself and its clients, in one round trip; takes no client's place.
 * @throws ExecutorError ERR_VGPU_EXECUTOR_OPTIONS, _TOKEN, _UNREACHABLE, _TIMEOUT, _PROTOCOL, _REFUSED
 */
export async function executorStatus(url: string, options: ConnectOptions = {}): Promise<ExecutorStatus> {
  const [json, { parseStatus }] = await Promise.all([
    askStatus(url, { timeoutMs: TIMEOUT_MS, ...options }),
    import('./status-schema.js'),
  ]);
  try {
    return parseStatus(json);
  } catch (cause) {
    throw new ExecutorError('ERR_VGPU_EXECUTOR_PROTOCOL', `the status of ${url} is not understood`, {
      cause,
    });
  }
}
