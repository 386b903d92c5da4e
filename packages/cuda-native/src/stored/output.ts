// Writing arrays on disk: as a whole or not at all, or in place and so that a crash is taken up again.
import { rm } from 'node:fs/promises';
import { argumentError, ComputeError } from '../errors.js';
import { Journal, journalPath } from './journal.js';
import type { StoredOptions } from './run.js';
import { runsPath } from './scratch.js';
import type { ElementType } from '../arrays.js';
import {
  checkApart,
  Elements,
  type StoredArray,
  type StoredOutput,
  type StoredType,
} from './stored-array.js';

/** For operations that can go on after a crash. */
export interface ResumeOptions extends StoredOptions {
  /**
   * Keep a record of the progress in a file beside the output (its name and `.progress`), and begin where an interrupted
   * operation with the same arrays and limit stopped. The output must be opened with `update: 'in-place'`, and with
   * `allowUncommitted` after a crash.
   */
  readonly resume?: boolean;
  /** How much of the output may have to be written again after a crash, in bytes; 64 MiB by default. */
  readonly checkpointBytes?: number;
}

/** An output, and its elements. */
export class Output<Type extends StoredType = ElementType> extends Elements<Type> {
  declare readonly array: StoredOutput;

  /** `taken` goes with `Type`. @throws ComputeError ERR_VGPU_COMPUTE_ARGUMENT for an array that cannot be updated now */
  constructor(array: StoredOutput, name: string, taken: 'numbers' | 'with-f16' = 'numbers') {
    super(array, name, 'in-order', taken);
    if (array.update === undefined || array.updating) {
      throw new ComputeError(
        'ERR_VGPU_COMPUTE_ARGUMENT',
        array.updating ? `${name} is being updated` : `${name} was opened for reading only`,
        {
          values: { array: name, path: array.path },
          remedy: array.updating ? 'Commit it or roll it back first.' : 'Open it with the option `update`.',
        },
      );
    }
  }
}

/** What an operation reads, writes and is. */
export interface Task {
  readonly operation: string;
  readonly inputs: readonly Elements<StoredType>[];
  readonly outputs: readonly [Output<StoredType>, ...Output<StoredType>[]];
}

/**
 * Begins updates of the outputs, has them written, and commits. Where that fails, an atomic update is rolled back, and one in
 * place stays open: closed as it is, the file says that it was not committed.
 */
export async function writing(task: Task, work: () => Promise<void>): Promise<void> {
  checkApart(task.outputs, task.inputs);
  const arrays = task.outputs.map(({ array }) => array);
  await removeLeftovers(task);
  await updating(arrays, work);
}

/**
 * The same with a journal. `plan` holds the sizes that pieces have: another one means to begin anew. `work` is told the last state
 * that was recorded, and makes what it wrote durable before it records the next one.
 */
export async function resumable(
  task: Task,
  plan: Readonly<Record<string, number | boolean>>,
  work: (journal: Journal) => Promise<void>,
): Promise<void> {
  checkApart(task.outputs, task.inputs);
  for (const { name, array } of task.outputs) {
    if (array.update !== 'in-place')
      throw argumentError(`to resume, ${name} must be updated in place`, { array: name });
  }
  const [{ array: first }] = task.outputs;
  const journal = await Journal.open(first.path, subjectOf(task, plan));
  try {
    await updating(
      task.outputs.map(({ array }) => array),
      () => work(journal),
    );
  } catch (error) {
    await journal.close();
    throw error;
  }
  await journal.remove();
}

/** What was written so far is on disk, and gets known. */
export async function checkpoint(
  outputs: readonly Output<StoredType>[],
  journal: Journal,
  state: readonly number[],
): Promise<void> {
  for (const { array } of outputs) await array.flush();
  await journal.record(state);
}

async function updating(arrays: readonly StoredOutput[], work: () => Promise<void>): Promise<void> {
  const begun: StoredOutput[] = [];
  try {
    for (const array of arrays) {
      await array.begin(array.update === 'atomic' ? { copy: false } : {});
      begun.push(array);
    }
    await work();
    for (const array of arrays) await array.commit();
  } catch (error) {
    for (const array of begun) if (array.updating && array.update === 'atomic') await array.rollback();
    throw error;
  }
}

function subjectOf({ operation, inputs, outputs }: Task, plan: Readonly<Record<string, number | boolean>>) {
  const versions = inputs.map(({ name, array }) => [name, versionOf(array)]);
  // The generation of an output changes when its update begins.
  const targets = outputs.map(({ name, array }) => [name, array.descriptor.payloadUuid]);
  return { operation, details: { ...Object.fromEntries([...versions, ...targets]), ...plan } };
}

function versionOf({ descriptor, generation }: StoredArray): string {
  return `${descriptor.payloadUuid}/${generation}`;
}

/** Of an operation that was interrupted, and is not taken up. */
async function removeLeftovers({ outputs: [{ array }] }: Task): Promise<void> {
  for (const path of [journalPath(array.path), runsPath(array.path)]) await rm(path, { force: true });
}
