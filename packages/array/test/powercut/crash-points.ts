// Walks through a recording and stops wherever a power cut could leave something new.
import { diskSectorBytes } from './file-model.js';
import { FileSystemModel } from './file-system-model.js';
import { flushKinds, type Operation, type OperationKind } from './log.js';
import type { Recording } from './recording.js';

export interface CrashPoint {
  /** The power fails when so many operations were carried out. */
  readonly operation: number;
  readonly model: FileSystemModel;
  /** The versions that the program's promises allow now: the acknowledged one, and the one being committed. */
  readonly allowed: readonly number[];
  /** All that can be lost here can also be lost at the next point, and more. */
  readonly minor: boolean;
}

export interface CrashOptions {
  /** What was there, safely, when the recording began. */
  readonly firstVersion?: number;
  /** Flushes (see flushesOf) that the disk only pretends to carry out. */
  readonly ignored?: readonly Flush[];
  /** What the disk writes whole or not at all. */
  readonly sectorBytes?: number;
}

/**
 * A program marks `begin N` before it starts to make version N, and `done N` once that is acknowledged.
 * Between flushes and marks the possible states only become more, so only the last moment counts.
 */
export function* crashPoints(
  { initial, operations }: Recording,
  { firstVersion = 0, ignored = [], sectorBytes = diskSectorBytes }: CrashOptions = {},
): Generator<CrashPoint> {
  const model = new FileSystemModel(initial, sectorBytes);
  let allowed: readonly number[] = [firstVersion];
  for (const [index, operation] of operations.entries()) {
    yield { operation: index, model, allowed, minor: !isMajor(operation.kind) };
    if (operation.kind === 'mark') allowed = afterMark(operation.path, allowed);
    if (!ignored.some(({ first, last }) => first <= index && index <= last)) model.apply(operation);
  }
}

/** After these there is less to lose, or more is promised. */
export function isMajor(kind: OperationKind): boolean {
  return flushKinds.has(kind) || kind === 'mark' || kind === 'end';
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
