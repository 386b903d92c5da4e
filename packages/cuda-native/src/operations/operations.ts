// What all operations share. Each family of them is a class on top of the one before it, in a file of its own with the
// addon's calls for it; ComputeSession is on top of them all.
import type { CircuitBreaker } from '@vgpu/resilience';
import {
  checkOverlap,
  checkSameType,
  countOf,
  type ElementType,
  type Named,
  type NumericArray,
  named,
} from '../arrays.js';
import type { NativeResult } from '../calls.js';
import type { GpuMemory } from '../native.js';
import type { OutputOptions } from '../options.js';
import { newResult } from '../result-arrays.js';
import type { ComputeResult, NativeCall, OperationOptions, Runner } from '../runner.js';

export type Result<Value> = Promise<ComputeResult<Value>>;

export abstract class Operations {
  readonly #runner: Runner;

  /** @internal */
  constructor(runner: Runner) {
    this.#runner = runner;
  }

  /** The most memory that one operation may take for itself, in bytes; 2⁵³ − 1 where there is no limit. */
  get memoryLimit(): number {
    return this.#runner.memoryLimit;
  }

  /**
   * The circuit breaker of the session's GPU: its state and its changes, to be forced open or closed by hand. `null` with `device: 'cpu'`.
   */
  get breaker(): CircuitBreaker | null {
    return this.#runner.breaker;
  }

  /** What the session has on the GPU, as it was at the end of the last operation there; `null` where it has no GPU. */
  get gpuMemory(): GpuMemory | null {
    return this.#runner.gpuMemory;
  }

  /** Refuses what comes later, and waits for what is under way. Does no more the second time. */
  async close(): Promise<void> {
    await this.#runner.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  /** @internal */
  protected run(name: string, call: NativeCall, options: OperationOptions): Result<NativeResult> {
    return this.#runner.run(name, call, options);
  }

  /** Of an operation that writes to arrays: `value` holds them. @internal */
  protected async write<Value>(
    name: string,
    value: Value,
    options: OperationOptions,
    call: NativeCall,
  ): Result<Value> {
    return { ...(await this.#runner.run(name, call, options)), value };
  }
}

/** The array to write to, checked against the inputs, whose type it has. */
export function outputFor<T extends NumericArray>(
  inputs: [Named, ...Named[]],
  type: ElementType,
  { count: wanted, out: given }: OutputOptions<T>,
): { readonly count: number; readonly out: T } {
  const count = countOf(wanted, inputs, given ? [named('out', given)] : []);
  if (given === undefined) return { count, out: newResult(type, count) as T };
  checkSameType(inputs[0], named('out', given));
  checkOverlap(named('out', given), inputs, count);
  return { count, out: given };
}
