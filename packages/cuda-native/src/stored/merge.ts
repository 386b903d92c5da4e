// Merging sorted runs, in rounds that a session sorts.
//
// Of each run some elements are in memory. The run whose last one comes first decides: whatever belongs before that one is in
// memory, of every run. A stable sort of these elements, the runs one behind the other, is the next part of the result.
// Of equal keys, those in earlier runs come first, so that of later runs only smaller ones may be taken.
import { newArray, type NumericArray } from '../arrays.js';
import { inBackground, together } from './background.js';
import { compareKeys, countBefore } from './order.js';
import type { Scratch } from './scratch.js';
import type { Elements } from './stored-array.js';
import type { Piece } from './stream.js';

/** Where each column of the runs lies in the scratch file, which holds one column after the other. */
export function columnOffset(columns: readonly Elements[], column: number): number {
  return columns
    .slice(0, column)
    .reduce((sum, { count, bytesPerElement }) => sum + count * bytesPerElement, 0);
}

/** The elements of one run that are in memory: keys, and perhaps values. */
class RunBuffer {
  readonly #scratch: Scratch;
  readonly #columns: readonly Elements[];
  readonly #buffers: readonly NumericArray[];
  /** In elements of the column: what is not in memory yet. */
  #next: number;
  readonly #end: number;
  length = 0;

  constructor(scratch: Scratch, columns: readonly Elements[], rest: Piece, capacity: number) {
    this.#scratch = scratch;
    this.#columns = columns;
    this.#buffers = columns.map(({ type }) => newArray(type, Math.min(capacity, rest.count)));
    this.#next = rest.first;
    this.#end = rest.first + rest.count;
  }

  /** Whether nothing of the run is left on disk. */
  get isWhole(): boolean {
    return this.#next === this.#end;
  }

  get columns(): NumericArray[] {
    return this.#buffers.map((buffer) => buffer.subarray(0, this.length));
  }

  get keys(): NumericArray {
    return (this.#buffers[0] ?? new Float64Array()).subarray(0, this.length);
  }

  /** Drops the first `taken` elements, and reads as many behind the others. */
  async refill(taken: number): Promise<void> {
    const kept = this.length - taken;
    const capacity = this.#buffers[0]?.length ?? 0;
    const more = Math.min(capacity - kept, this.#end - this.#next);
    for (const buffer of this.#buffers) buffer.copyWithin(0, taken, this.length);
    const first = this.#next;
    this.length = kept + more;
    this.#next += more;
    await together(
      this.#buffers.map((buffer, column) => () => {
        const bytes = this.#columns[column]?.bytesPerElement ?? 0;
        const offset = columnOffset(this.#columns, column) + first * bytes;
        return this.#scratch.read(offset, buffer.subarray(kept, kept + more));
      }),
    );
  }
}

/** What comes next in the result. */
export interface Round {
  /** Not sorted yet. Overwritten by the next round. */
  readonly columns: readonly NumericArray[];
  /** Of each run, how many elements belong to it. */
  readonly taken: readonly number[];
}

/** Takes elements of all runs until nothing is left. */
export class Merge {
  readonly #runs: readonly RunBuffer[];
  readonly #gathered: readonly NumericArray[];
  readonly #compare: typeof compareKeys;
  #reading: Promise<void>;

  /** `rests`: what is left of each run, in elements. `capacity`: how many of each run are in memory at a time. */
  constructor(
    scratch: Scratch,
    columns: readonly Elements[],
    rests: readonly Piece[],
    { capacity, descending }: { readonly capacity: number; readonly descending: boolean },
  ) {
    this.#runs = rests.map((rest) => new RunBuffer(scratch, columns, rest, capacity));
    this.#gathered = columns.map(({ type }) => newArray(type, capacity * rests.length));
    this.#compare = descending ? (one, other) => compareKeys(other, one) : compareKeys;
    this.#reading = this.#refill(rests.map(() => 0));
  }

  /** The next round, or undefined at the end. What is read for the one after it is read meanwhile. */
  async next(): Promise<Round | undefined> {
    await this.#reading;
    const taken = this.#countTaken();
    if (taken.every((count) => count === 0)) return undefined;
    const total = this.#gather(taken);
    this.#reading = this.#refill(taken);
    return { columns: this.#gathered.map((all) => all.subarray(0, total)), taken };
  }

  /** Waits for what is being read, however that ends. */
  async settle(): Promise<void> {
    await this.#reading.catch(() => {});
  }

  #countTaken(): number[] {
    let decides: { readonly index: number; readonly key: number | bigint } | undefined;
    for (const [index, run] of this.#runs.entries()) {
      const key = run.keys[run.length - 1];
      if (run.isWhole || key === undefined) continue;
      if (decides === undefined || this.#compare(key, decides.key) < 0) decides = { index, key };
    }
    if (decides === undefined) return this.#runs.map(({ length }) => length);
    const { index: last, key } = decides;
    return this.#runs.map(({ keys }, index) =>
      countBefore(keys, key, this.#compare, index <= last ? 'through' : 'without'),
    );
  }

  /** Copies what was taken, the runs one behind the other. */
  #gather(taken: readonly number[]): number {
    let total = 0;
    for (const [index, run] of this.#runs.entries()) {
      const count = taken[index] ?? 0;
      for (const [column, from] of run.columns.entries()) {
        (this.#gathered[column] as Float64Array).set(from.subarray(0, count) as Float64Array, total);
      }
      total += count;
    }
    return total;
  }

  #refill(taken: readonly number[]): Promise<void> {
    return inBackground(this.#runs.map((run, index) => () => run.refill(taken[index] ?? 0)));
  }
}
