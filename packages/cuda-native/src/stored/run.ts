// One operation on arrays on disk: many calls of the session, and one result.
import { totalmem } from 'node:os';
import { checkInteger } from '../arrays.js';
import { argumentError, ComputeError } from '../errors.js';
import type { ComputeResult, OperationOptions } from '../runner.js';
import type { ComputeSession } from '../session.js';

/** What operations on arrays on disk take. */
export interface StoredOptions extends OperationOptions {
  /** In bytes, at most ten times a second and once at the end. What it throws rejects the operation. */
  readonly onProgress?: (done: number, total: number) => void;
}

/** A result, and where all of its pieces were computed. */
export interface StoredResult<Value> extends ComputeResult<Value> {
  /** How many calls ran on which device. `device` is `cpu` as soon as one did, and `reason` is that one's. */
  readonly calls: Readonly<Record<ComputeResult<unknown>['device'], number>>;
  /** The most memory that the operation had at a time: its own, and windows of the arrays. In bytes. */
  readonly memoryBytes: number;
}

const progressIntervalMs = 100;
const mostDefaultMemory = 2 ** 30;

/** Without a limit of the session's own: a GiB, or a quarter of what the machine has. */
function defaultLimit(): number {
  return Math.min(mostDefaultMemory, Math.floor(totalmem() / 4));
}

/** Counts and tells what happens. */
export class Run {
  readonly session: ComputeSession;
  readonly options: StoredOptions;
  /** In bytes. */
  readonly memoryLimit: number;
  readonly #calls = { gpu: 0, 'software-gpu': 0, cpu: 0 };
  readonly #onProgress: StoredOptions['onProgress'];
  readonly #total: number;
  readonly #own: number;
  #done = 0;
  #told = -Infinity;
  #memory = 0;
  #attempts = 0;
  #reason: ComputeResult<unknown>['reason'] = null;

  /**
   * @param total of the work, in bytes
   * @param own what the operation takes beside windows, in bytes; `memoryLimit` is what is left of the option, or of the session's
   * @throws ComputeError ERR_VGPU_COMPUTE_MEMORY_LIMIT
   */
  constructor(session: ComputeSession, options: StoredOptions, total: number, own = 0) {
    const { onProgress, memoryLimit = Number.MAX_SAFE_INTEGER, ...others } = options;
    this.session = session;
    this.options = others;
    checkInteger(memoryLimit, 'memoryLimit');
    const given = Math.min(memoryLimit, session.memoryLimit);
    const limit = given === Number.MAX_SAFE_INTEGER ? defaultLimit() : given;
    if (own > limit) throw memoryError(own, limit);
    this.memoryLimit = limit - own;
    this.#own = own;
    this.#onProgress = onProgress;
    this.#total = total;
    others.signal?.throwIfAborted();
  }

  /** Takes note of where a call ran, and gives its value. */
  async take<Value>(call: Promise<ComputeResult<Value>>): Promise<Value> {
    const { value, device, reason, attempts } = await call;
    this.#calls[device] += 1;
    this.#attempts += attempts;
    if (device === 'cpu') this.#reason ??= reason;
    return value;
  }

  /** So much memory is in use now, beside what is the operation's own. */
  uses(bytes: number): void {
    this.#memory = Math.max(this.#memory, bytes + this.#own);
  }

  /** So much more is done. */
  progress(bytes: number): void {
    this.#done += bytes;
    const now = performance.now();
    if (this.#onProgress === undefined || now - this.#told < progressIntervalMs) return;
    this.#told = now;
    this.#onProgress(Math.min(this.#done, this.#total), this.#total);
  }

  result<Value>(value: Value): StoredResult<Value> {
    this.#onProgress?.(this.#total, this.#total);
    const { cpu, gpu } = this.#calls;
    const device =
      cpu > 0 ? 'cpu' : gpu > 0 ? 'gpu' : this.#calls['software-gpu'] > 0 ? 'software-gpu' : 'cpu';
    return {
      value,
      device,
      reason: this.#reason,
      attempts: this.#attempts,
      calls: this.#calls,
      memoryBytes: this.#memory,
    };
  }
}

/**
 * How many pieces of `bytesEach` fit into the limit.
 *
 * @throws ComputeError ERR_VGPU_COMPUTE_MEMORY_LIMIT where fewer than `least` do
 */
export function piecesThatFit(limit: number, bytesEach: number, least: number, most: number): number {
  const pieces = Math.min(Math.floor(limit / bytesEach), most);
  if (pieces >= least) return pieces;
  throw memoryError(least * bytesEach, limit);
}

export function memoryError(needed: number, memoryLimit: number): ComputeError {
  return new ComputeError(
    'ERR_VGPU_COMPUTE_MEMORY_LIMIT',
    `the operation needs ${needed} bytes at least, and the limit is ${memoryLimit}`,
    { values: { needed, memoryLimit }, remedy: 'Raise memoryLimit.' },
  );
}

/** @throws ComputeError ERR_VGPU_COMPUTE_ARGUMENT */
export function checkNotEmpty(count: number, operation: string): void {
  if (count === 0) throw argumentError(`${operation} of no elements`);
}
