import { EventEmitter } from 'node:events';
import { rmSync } from 'node:fs';
import {
  checkSocketPath,
  makePrivateSocket,
  resolveExecutorUrl,
  restoreDirectory,
  urlOf,
} from './address.js';
import { findBinary } from './binary.js';
import { Daemon, type Ending } from './daemon.js';
import { ExecutorError } from './errors.js';
import { askDevice, type Device } from './handshake.js';
import { type RestartOptions, RestartPolicy } from './restart.js';
import type { ConnectOptions } from './status.js';

export type { Device } from './handshake.js';

export interface StartOptions {
  /** `auto` takes the real GPU where there is one. */
  gpu?: 'auto' | 'real' | 'software' | undefined;
  /** The software GPU's memory; half of the machine's where it is not given. */
  memoryBytes?: number | undefined;
  /** The real GPU's driver, an absolute path; the installed `libcuda.so.1` where it is not given. */
  driverPath?: string | undefined;
  /** The real GPU's cuBLAS, an absolute path; the installed `libcublas.so.13` or `.12` where it is not given. */
  cublasPath?: string | undefined;
  /** Driver and cuBLAS may be vgpu's own guest library: the executor at `VGPU_EXECUTOR` then does the work. For tests. */
  allowGuestDriver?: boolean | undefined;
  /** What each client may take of it; all that others have not taken where it is not given. */
  clientMemoryBytes?: number | undefined;
  /** The share of the software GPU's threads that each client's kernels may use, above 0 and at most 1; 1 where it is
   * not given. */
  clientFraction?: number | undefined;
  /** A client that asks for nothing for so long is ended; never where it is not given. */
  idleLimitSeconds?: number | undefined;
  /** A client that is connected for so long is ended; never where it is not given. */
  clientLifetimeSeconds?: number | undefined;
  /** Clients at a time; 256 where it is not given. */
  maximumClients?: number | undefined;
  /** The software GPU's threads; one per core where it is not given. */
  threads?: number | undefined;
  /** What multiplies matrices on the software GPU: `auto`, OpenBLAS where it is installed and knows this processor; `own`, its own kernel. */
  blas?: 'auto' | 'own' | undefined;
  /** A kernel that runs for longer is stopped; 0 means never. Ten minutes where it is not given. */
  kernelTimeoutSeconds?: number | undefined;
  /** Looks for mistakes in the kernels of all clients, on the software GPU, which makes them many times slower. */
  check?: CheckOptions | undefined;
  /**
   * Profiles the kernels of all clients, on the software GPU, which makes them slower: an absolute path where lines of
   * JSON are appended (native/backends/software/profile_report.h). Not together with `check`.
   */
  profilePath?: string | undefined;
  /** An absolute path in a folder that exists; a private folder is made where it is not given. */
  socketPath?: string | undefined;
  /** Further addresses to listen at, with numeric hosts: "tcp:0.0.0.0:4000", "vsock:any:4000". */
  listen?: readonly string[] | undefined;
  /** Holds the secret that clients at TCP and vsock addresses have to know. */
  tokenFile?: string | undefined;
  /** Gets the daemon's log line by line. */
  log?: ((line: string) => void) | undefined;
  /** Ends the start (not an executor that runs), which then rejects with the signal's reason. */
  signal?: AbortSignal | undefined;
  /** What to do when the daemon dies; false: nothing. */
  restart?: RestartOptions | false | undefined;
  /** How long the daemon may take until it answers; 10 s where it is not given. */
  startTimeoutMs?: number | undefined;
}

/** What the memory checker looks for; docs/memory-checker.md. */
export type Check = 'memory' | 'race' | 'init' | 'sync';

export interface CheckOptions {
  checks: readonly Check[];
  /** An absolute path: what is found is appended there, as lines of JSON (native/backends/software/kernel_check.h). */
  reportPath: string;
  /** Findings kept for each client, from 1; 1000 where it is not given. */
  limit?: number | undefined;
}

export interface ExecutorEvents {
  /** The daemon ended without having been asked to. */
  died: [ending: Ending];
  /** Another one listens at the same address. Its clients are new ones: those of the first have lost their GPU. */
  restarted: [];
  /** It will not be started again. */
  failed: [error: ExecutorError];
}

const DEFAULT_START_TIMEOUT_MS = 10_000;
const CONNECT_TIMEOUT_MS = 5_000;

/** An executor that serves a GPU at `url`: one that was started here, or one that was found running. */
export class Executor extends EventEmitter<ExecutorEvents> implements AsyncDisposable {
  readonly url: string;
  readonly device: Device;
  readonly #supervisor: Supervisor | undefined;

  private constructor(url: string, device: Device, supervisor?: Supervisor) {
    super();
    this.url = url;
    this.device = device;
    this.#supervisor = supervisor;
    supervisor?.watch(this);
  }

  /**
   * Starts a daemon of its own and resolves when it answers. It ends with stop(), and with this process however
   * that ends; it does not keep this process alive.
   * @throws ExecutorError ERR_VGPU_EXECUTOR_OPTIONS, _MISSING, _START, _TIMEOUT, _PROTOCOL, _REFUSED,
   * ERR_VGPU_BACKEND_UNAVAILABLE; the reason of `signal`
   */
  static async start(options: StartOptions = {}): Promise<Executor> {
    options.signal?.throwIfAborted();
    const supervisor = new Supervisor(options);
    try {
      const device = await abortable(supervisor.start(), options.signal);
      return new Executor(urlOf(supervisor.socketPath), device, supervisor);
    } catch (error) {
      await supervisor.stop();
      throw error;
    }
  }

  /**
   * Asks an executor that runs already what it serves. Its stop() leaves it running. The `url` of the result has a numeric
   * address in the place of a name, as the guest library needs it.
   * @throws ExecutorError ERR_VGPU_EXECUTOR_OPTIONS, _TOKEN, _UNREACHABLE, _TIMEOUT, _PROTOCOL, _REFUSED
   */
  static async connect(url: string, options: ConnectOptions = {}): Promise<Executor> {
    const numeric = await resolveExecutorUrl(url);
    return new Executor(numeric, await askDevice(numeric, { timeoutMs: CONNECT_TIMEOUT_MS, ...options }));
  }

  /** The daemon's process, where it was started here and runs. */
  get pid(): number | undefined {
    return this.#supervisor?.pid;
  }

  /** Ends the daemon and removes its socket. Programs that still use it lose their GPU. May be called again. */
  async stop(): Promise<void> {
    await this.#supervisor?.stop();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }
}

/** Keeps a daemon running at one address. */
class Supervisor {
  readonly socketPath: string;
  readonly #directory: string | undefined;
  readonly #binary: string;
  readonly #arguments: string[];
  readonly #log: (line: string) => void;
  readonly #startTimeoutMs: number;
  readonly #policy: RestartPolicy | undefined;
  #daemon: Daemon | undefined;
  #events: EventEmitter<ExecutorEvents> | undefined;
  #restartTimer: NodeJS.Timeout | undefined;
  #stopped: Promise<void> | undefined;

  constructor(options: StartOptions) {
    const numbers = checkOptions(options);
    this.#binary = findBinary();
    this.#log = options.log ?? (() => {});
    this.#startTimeoutMs = options.startTimeoutMs ?? DEFAULT_START_TIMEOUT_MS;
    this.#policy = options.restart === false ? undefined : new RestartPolicy(options.restart);
    if (options.socketPath !== undefined) {
      checkSocketPath(options.socketPath);
      this.socketPath = options.socketPath;
    } else {
      ({ directory: this.#directory, path: this.socketPath } = makePrivateSocket());
    }
    this.#arguments = ['--listen', urlOf(this.socketPath), '--backend', options.gpu ?? 'auto', ...numbers];
    for (const url of options.listen ?? []) this.#arguments.push('--listen', url);
    if (options.tokenFile !== undefined) this.#arguments.push('--token-file', options.tokenFile);
    if (options.check !== undefined) this.#arguments.push(...checkArguments(options.check));
    if (options.profilePath !== undefined) this.#arguments.push('--profile', options.profilePath);
    if (options.driverPath !== undefined) this.#arguments.push('--driver', options.driverPath);
    if (options.cublasPath !== undefined) this.#arguments.push('--cublas', options.cublasPath);
    if (options.allowGuestDriver) this.#arguments.push('--allow-guest-driver');
    // The daemon outlives a supervisor that is killed, for a moment, and then has to clean up for it.
    if (this.#directory !== undefined) this.#arguments.push('--own-folder');
  }

  get pid(): number | undefined {
    return this.#daemon?.pid;
  }

  watch(events: EventEmitter<ExecutorEvents>): void {
    this.#events = events;
  }

  async start(): Promise<Device> {
    if (this.#directory !== undefined) restoreDirectory(this.#directory);
    const daemon = new Daemon(this.#binary, this.#arguments, this.#log);
    this.#daemon = daemon;
    const device = await withTimeout(this.#startTimeoutMs, async () => {
      await daemon.ready();
      return await askDevice(urlOf(this.socketPath), { timeoutMs: this.#startTimeoutMs });
    });
    daemon.unref();
    void daemon.ended.then((ending) => this.#onEnd(ending));
    return device;
  }

  stop(): Promise<void> {
    this.#stopped ??= this.#stop();
    return this.#stopped;
  }

  async #stop(): Promise<void> {
    clearTimeout(this.#restartTimer);
    await this.#daemon?.stop();
    this.#daemon = undefined;
    this.#removeDirectory();
  }

  #removeDirectory(): void {
    if (this.#directory !== undefined) rmSync(this.#directory, { recursive: true, force: true });
  }

  #onEnd(ending: Ending): void {
    if (this.#stopped) return;
    this.#daemon = undefined;
    this.#events?.emit('died', ending);
    this.#restartLater(ending);
  }

  #restartLater(reason: Ending | ExecutorError): void {
    const delay = this.#policy?.delayAfterDeath(performance.now());
    if (delay === undefined) {
      this.#giveUp(reason);
      return;
    }
    this.#restartTimer = setTimeout(() => void this.#restart(), delay).unref();
  }

  async #restart(): Promise<void> {
    try {
      await this.start();
      if (!this.#stopped) this.#events?.emit('restarted');
    } catch (error) {
      if (this.#stopped) return;
      await this.#daemon?.stop();
      this.#daemon = undefined;
      if (!this.#stopped) this.#restartLater(asExecutorError(error));
    }
  }

  #giveUp(reason: Ending | ExecutorError): void {
    const cause = reason instanceof ExecutorError ? reason : undefined;
    const died = this.#policy
      ? `died more than ${this.#policy.maximum} times within ${this.#policy.windowMs / 1000} s`
      : 'died';
    const error = new ExecutorError(
      'ERR_VGPU_EXECUTOR_CRASHING',
      `the executor ${died} and is not started again`,
      {
        cause,
      },
    );
    this.#log(`${error.code}: ${error.message}`);
    // A daemon that was killed has left its socket.
    this.#removeDirectory();
    this.#events?.emit('failed', error);
  }
}

/** The options of the daemon for what was given. Checked by hand: a schema library would load slower
 * than the daemon starts. */
function checkOptions(options: StartOptions): string[] {
  const { gpu, blas, clientFraction } = options;
  if (clientFraction !== undefined && !(clientFraction > 0 && clientFraction <= 1)) {
    throw new ExecutorError(
      'ERR_VGPU_EXECUTOR_OPTIONS',
      `clientFraction is above 0 and at most 1, not ${clientFraction}`,
    );
  }
  if (gpu !== undefined && !['auto', 'real', 'software'].includes(gpu)) {
    throw new ExecutorError('ERR_VGPU_EXECUTOR_OPTIONS', `gpu is auto, real or software, not ${String(gpu)}`);
  }
  if (blas !== undefined && !['auto', 'own'].includes(blas)) {
    throw new ExecutorError('ERR_VGPU_EXECUTOR_OPTIONS', `blas is auto or own, not ${String(blas)}`);
  }
  return [
    ...(blas === undefined ? [] : ['--blas', blas]),
    ...numberOption('--memory', 'memoryBytes', options.memoryBytes, 2 ** 20),
    ...numberOption('--client-memory', 'clientMemoryBytes', options.clientMemoryBytes, 2 ** 20),
    ...(clientFraction === undefined ? [] : ['--client-fraction', String(clientFraction)]),
    ...numberOption('--idle-limit', 'idleLimitSeconds', options.idleLimitSeconds, 0),
    ...numberOption('--client-lifetime', 'clientLifetimeSeconds', options.clientLifetimeSeconds, 0),
    ...numberOption('--max-clients', 'maximumClients', options.maximumClients, 1),
    ...numberOption('--threads', 'threads', options.threads, 1),
    ...numberOption('--kernel-timeout', 'kernelTimeoutSeconds', options.kernelTimeoutSeconds, 0),
  ];
}

function checkArguments({ checks, reportPath, limit }: CheckOptions): string[] {
  return [
    ...['--check', checks.join(','), '--check-report', reportPath],
    ...numberOption('--check-limit', 'check.limit', limit, 1),
  ];
}

function numberOption(flag: string, name: string, value: number | undefined, least: number): string[] {
  if (value === undefined) return [];
  if (!Number.isSafeInteger(value) || value < least) {
    throw new ExecutorError(
      'ERR_VGPU_EXECUTOR_OPTIONS',
      `${name} is a whole number from ${least}, not ${value}`,
    );
  }
  return [flag, String(value)];
}

function asExecutorError(error: unknown): ExecutorError {
  if (error instanceof ExecutorError) return error;
  return new ExecutorError('ERR_VGPU_EXECUTOR_START', 'the executor cannot be started', { cause: error });
}

function withTimeout<T>(timeoutMs: number, work: () => Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(
      () =>
        reject(
          new ExecutorError('ERR_VGPU_EXECUTOR_TIMEOUT', `the executor was not ready in ${timeoutMs} ms`),
        ),
      timeoutMs,
    );
    work()
      .then(resolve, reject)
      .finally(() => clearTimeout(timer));
  });
}

function abortable<T>(work: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (!signal) return work;
  return new Promise((resolve, reject) => {
    const abort = () => reject(signal.reason);
    signal.addEventListener('abort', abort, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort));
  });
}
