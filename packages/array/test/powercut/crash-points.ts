// Walks through a recording and stops wherever a power cut could leave something new.
import { FileSystemModel } from './file-system-model.js';
import { flushKinds, type Operation } from './log.js';
import type { Recording } from './recording.js';

export interface CrashPoint {
  /** The power fails when so many operations were carried out. */
  readonly operation: number;
  readonly model: FileSystemModel;
  /** The versions that the program's promises allow now: the acknowledged one, and the one being committed. */
  readonly allowed: readonly number[];
  /** All that can be lost here can also be lost at the next point, and more: a few typical states are enough. */
  readonly minor: boolean;
}

/**
 * A program marks `begin N` before it starts to make version N, and `done N` once that is acknowledged.
 * Between flushes and marks the possible states only become more, so only the last moment counts.
 * @param firstVersion what was there, safely, when the recording began
 * @param ignored a flush (see flushesOf) that the disk only pretends to carry out
 */
export function* crashPoints(
  recording: Recording,
  firstVersion: number,
  ignored?: Flush,
): Generator<CrashPoint> {
  const { initial, operations } = recording;
  const model = new FileSystemModel(initial);
  let allowed: readonly number[] = [firstVersion];
  for (const [index, operation] of operations.entries()) {
    const major = flushKinds.has(operation.kind) || operation.kind === 'mark' || operation.kind === 'end';
    yield { operation: index, model, allowed, minor: !major };
    if (operation.kind === 'mark') allowed = afterMark(operation.path, allowed);
    if (ignored === undefined || index < ignored.first || index > ignored.last) model.apply(operation);
  }
}

function afterMark(mark: string, allowed: readonly number[]): readonly number[] {
  const [, word, digits] = /^(begin|done) (\d+)$/.exec(mark) ?? [];
  if (word === undefined) throw new Error(`an unknown mark: ${mark}`);
  const version = Number(digits);
  return word === 'done' ? [version] : [...allowed, version];
}

/** Flushes of one file without anything between them: msync and fdatasync, usually. */
export interface Flush {
  /** Indices of operations. */
  readonly first: number;
  readonly last: number;
}

export function flushesOf(operations: readonly Operation[]): Flush[] {
  const flushes: Flush[] = [];
  for (const [index, operation] of operations.entries()) {
    if (!flushKinds.has(operation.kind)) continue;
    const previous = flushes.at(-1);
    const before = operations[index - 1];
    if (previous?.last === index - 1 && before?.file === operation.file && before.path === operation.path) {
      flushes[flushes.length - 1] = { first: previous.first, last: index };
    } else {
      flushes.push({ first: index, last: index });
    }
  }
  return flushes;
}
