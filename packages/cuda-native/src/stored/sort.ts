// Sorting what is larger than memory: sorted runs on disk, which are then merged.
// (Knuth, The Art of Computer Programming 3, 5.4.)
import { checkInteger, newArray, type NumericArray } from '../arrays.js';
import { argumentError } from '../errors.js';
import { native } from '../native.js';
import type { ComputeSession } from '../session.js';
import { inBackground } from './background.js';
import type { Journal } from './journal.js';
import { columnOffset, Merge } from './merge.js';
import { checkpoint, Output, type ResumeOptions, resumable, type Task, writing } from './output.js';
import { memoryError, Run, type StoredResult } from './run.js';
import { Scratch } from './scratch.js';
import { checkAlike, Elements, type StoredArray, type StoredOutput } from './stored-array.js';
import { bytesPerRow, type Piece, piecesOf, stream } from './stream.js';

export interface StoredSortOptions extends ResumeOptions {
  readonly descending?: boolean;
}

/** In elements. */
interface Plan {
  readonly run: number;
  /** How many of each run are in memory while they are merged. */
  readonly buffer: number;
}

/** What is sorted: keys alone, or keys and values. */
interface Job {
  readonly inputs: readonly [Elements, ...Elements[]];
  readonly outputs: readonly [Output, ...Output[]];
  readonly plan: Plan;
  readonly descending: boolean;
  readonly checkpointBytes: number;
}

/** Reading in smaller pieces would take longer than sorting. */
const leastBuffer = 256;
/** Rounds above that sort no faster. */
const mostRound = 2 ** 22;
const mostRun = 2 ** 28;

/**
 * As `session.sortPairs`, stable. It takes as much disk space again, beside `outKeys`, until it is done. Memory for n pairs grows with √n: 64 MiB
 * are enough for some 10¹⁰ of 8 bytes.
 *
 * @throws ComputeError ERR_VGPU_COMPUTE_MEMORY_LIMIT, ERR_VGPU_COMPUTE_SCRATCH
 */
export async function sortPairs(
  session: ComputeSession,
  keys: StoredArray,
  values: StoredArray,
  out: { readonly keys: StoredOutput; readonly values: StoredOutput },
  options: StoredSortOptions = {},
): Promise<StoredResult<{ readonly keys: StoredOutput; readonly values: StoredOutput }>> {
  const inputs = [new Elements(keys, 'keys'), new Elements(values, 'values')] as const;
  const outputs = [new Output(out.keys, 'outKeys'), new Output(out.values, 'outValues')] as const;
  checkAlike(inputs[0], outputs[0]);
  checkAlike(inputs[1], outputs[1]);
  if (inputs[0].count !== inputs[1].count) {
    throw argumentError(`values has ${inputs[1].count} elements, and keys ${inputs[0].count}`);
  }
  return { ...(await sortColumns('sortPairs', session, inputs, outputs, options)), value: out };
}

/** As `session.sort`: `sortPairs` without values. */
export async function sort(
  session: ComputeSession,
  keys: StoredArray,
  out: StoredOutput,
  options: StoredSortOptions = {},
): Promise<StoredResult<StoredOutput>> {
  const [input, output] = [new Elements(keys, 'keys'), new Output(out, 'out')];
  checkAlike(input, output);
  return { ...(await sortColumns('sort', session, [input], [output], options)), value: out };
}

async function sortColumns(
  operation: string,
  session: ComputeSession,
  inputs: Job['inputs'],
  outputs: Job['outputs'],
  options: StoredSortOptions,
): Promise<StoredResult<undefined>> {
  const { resume = false, descending = false, checkpointBytes = 2 ** 26, ...others } = options;
  checkInteger(checkpointBytes, 'checkpointBytes', 1);
  const [{ count }] = inputs;
  // Everything is read and written twice.
  const run = new Run(session, others, 2 * count * bytesPerRow([...inputs, ...outputs]));
  const plan = planFor(inputs, run.memoryLimit);
  const job: Job = { inputs, outputs, plan, descending, checkpointBytes };
  const task: Task = { operation, inputs, outputs };
  if (resume) await resumable(task, { ...plan, descending }, (journal) => sortOnDisk(run, job, journal));
  else await writing(task, () => sortOnDisk(run, job, undefined));
  return run.result(undefined);
}

/** The state in the journal: how many elements are in runs, how many are in the result, and how many of each run are. */
async function sortOnDisk(run: Run, job: Job, journal: Journal | undefined): Promise<void> {
  const [{ array }] = job.outputs;
  const [{ count }] = job.inputs;
  const known = journal !== undefined && (await Scratch.exists(array.path)) ? journal.state : undefined;
  const [sorted = 0, done = 0, ...merged] = known ?? [];
  if (journal?.state?.[1] !== count || count === 0) {
    const kind = journal === undefined ? 'nameless' : sorted === 0 ? 'new' : 'continued';
    const scratch = await Scratch.open(array.path, kind);
    try {
      await writeRuns(run, job, { scratch, journal, start: sorted });
      await mergeRuns(run, job, { scratch, journal, done, merged });
    } finally {
      await scratch.close();
    }
  }
  if (journal !== undefined) await Scratch.remove(array.path);
}

interface Files {
  readonly scratch: Scratch;
  readonly journal: Journal | undefined;
}

async function writeRuns(
  run: Run,
  job: Job,
  { scratch, journal, start }: Files & { start: number },
): Promise<void> {
  const { inputs, plan, descending } = job;
  const bytes = bytesPerRow(inputs);
  const most = Math.min(plan.run, inputs[0].count);
  const buffers = inputs.map(({ type }) => newArray(type, most));
  const memoryLimit = sortingBytes(run, inputs, most);
  run.uses(most * windowBytes(inputs) + memoryLimit);
  run.progress(2 * bytes * start);
  await stream(run, piecesOf(inputs[0].count, plan.run, start), { inputs }, async ({ first, count }) => {
    const windows = inputs.map((input) => input.window(first, count));
    const targets = buffers.map((buffer) => buffer.subarray(0, count));
    await sortWindows(run, windows, targets, { descending, memoryLimit });
    for (const [column, target] of targets.entries()) {
      const offset = columnOffset(inputs, column) + first * (inputs[column]?.bytesPerElement ?? 0);
      await scratch.write(offset, target);
    }
    run.progress(bytes * count);
    if (journal === undefined) return;
    await scratch.flush();
    await journal.record([first + count]);
  });
}

async function mergeRuns(
  run: Run,
  job: Job,
  { scratch, journal, done: start, merged }: Files & { done: number; merged: readonly number[] },
): Promise<void> {
  const { inputs, outputs, plan, descending, checkpointBytes } = job;
  const [{ count: total }] = inputs;
  const runs = [...piecesOf(total, plan.run)];
  const positions = runs.map((_, index) => merged[index] ?? 0);
  const rests = runs.map(({ first, count }, index) => restOf(first, count, positions[index] ?? 0));
  const merge = new Merge(scratch, inputs, rests, { capacity: plan.buffer, descending });
  const bytes = bytesPerRow(inputs);
  const most = runs.length * plan.buffer;
  const memoryLimit = sortingBytes(run, inputs, most);
  run.uses(most * windowBytes(inputs) + memoryLimit);
  run.progress(2 * bytes * start);
  let [done, safe] = [start, start];
  let behind = Promise.resolve();
  try {
    for (let round = await merge.next(); round !== undefined; round = await merge.next()) {
      const { columns, taken } = round;
      const [first, count] = [done, columns[0]?.length ?? 0];
      const targets = outputs.map((output) => output.window(first, count));
      await sortWindows(run, columns, targets, { descending, memoryLimit });
      for (const [index, more] of taken.entries()) positions[index] = (positions[index] ?? 0) + more;
      done += count;
      await behind;
      behind = inBackground(
        outputs.map(
          ({ array }) =>
            () =>
              array.discard(first, count),
        ),
      );
      run.progress(2 * bytes * count);
      const isLast = done === total;
      if (journal === undefined || (!isLast && (done - safe) * bytes < checkpointBytes)) continue;
      await checkpoint(outputs, journal, [total, done, ...positions]);
      safe = done;
    }
    await behind;
  } finally {
    await Promise.allSettled([merge.settle(), behind]);
  }
}

async function sortWindows(
  run: Run,
  [keys, values]: readonly NumericArray[],
  [outKeys, outValues]: readonly NumericArray[],
  how: { readonly descending: boolean; readonly memoryLimit: number },
): Promise<void> {
  if (keys === undefined || outKeys === undefined) throw new Error('unreachable: there are keys');
  const options = { ...run.options, ...how };
  if (values === undefined || outValues === undefined) {
    await run.take(run.session.sort(keys, { ...options, out: outKeys }));
  } else {
    await run.take(run.session.sortPairs(keys, values, { ...options, outKeys, outValues }));
  }
}

function planFor(columns: Job['inputs'], limit: number): Plan {
  const [{ count }] = columns;
  const bytesEach = windowBytes(columns) + sortBytes(columns);
  const most = elementsThatFit(columns, limit);
  const run = Math.min(most, mostRun);
  const runs = Math.max(Math.ceil(count / Math.max(run, 1)), 1);
  const buffer = Math.min(Math.floor(Math.min(most, mostRound) / runs), run);
  if (run >= leastBuffer && buffer >= leastBuffer) return { run, buffer };
  // Both together: count ÷ run runs, each with its buffer.
  const least = Math.max(Math.ceil(Math.sqrt(count * leastBuffer)), leastBuffer);
  throw memoryError(least * bytesEach + partsBytes(columns, least), limit);
}

/** A part that one thread sorts is no larger; with as much again it is enough for one. */
const partBytes = 2 ** 21;
/** What a thread takes at most: a part, as much again, and buckets. */
const threadBytes = 9 * 2 ** 20;

function elementsThatFit(columns: Job['inputs'], limit: number): number {
  const bytesEach = windowBytes(columns) + sortBytes(columns);
  const withoutParts = Math.min(
    Math.floor(limit / bytesEach),
    Math.floor((2 * partBytes) / sortBytes(columns)),
  );
  return Math.max(withoutParts, Math.floor((limit - 2 * partBytes) / bytesEach));
}

/** What sorting so many elements needs beside two copies of them. */
function partsBytes(columns: Job['inputs'], count: number): number {
  return (count * sortBytes(columns)) / 2 > partBytes ? 2 * partBytes : 0;
}

/** What sorting so many elements may take, beside their windows: all threads take part where the limit leaves room. */
function sortingBytes(run: Run, columns: Job['inputs'], count: number): number {
  const wanted = count * sortBytes(columns) + native().threads * threadBytes;
  return Math.min(wanted, run.memoryLimit - count * windowBytes(columns));
}

/** For each element: three windows of the input and a sorted copy, or buffers, what is taken of them, and two windows of the result. */
function windowBytes(columns: Job['inputs']): number {
  return 4 * bytesPerRow(columns);
}

/** Of the session, for each element: at most two copies of keys, or of pairs of 8 or 16 bytes. */
function sortBytes([keys, values]: Job['inputs']): number {
  if (values === undefined) return 2 * keys.bytesPerElement;
  return keys.bytesPerElement + values.bytesPerElement > 8 ? 32 : 16;
}

function restOf(first: number, count: number, done: number): Piece {
  return { first: first + done, count: count - done };
}
