// Opens what a power cut left, with the real package, and compares it with what was acknowledged.
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { cleanStaleFiles } from '@vgpu/mmap-native';
import { PersistentArray, repair } from '../../src/index.js';
import { type FileState, metadataOf, planOf, rowVersion, statesAfter, steps, valueAt } from './workload.js';

/**
 * `lost`: an acknowledged version, or the whole file, is gone. `early`: a version that was not even being written.
 * `damaged`: neither version, or an error. `stuck`: right, but not to be repaired or updated. `left over`: a temporary
 * file that cannot be cleaned up.
 */
export const problemKinds = ['lost', 'early', 'damaged', 'stuck', 'left over', 'not mounted'] as const;
export type ProblemKind = (typeof problemKinds)[number];

export class Problem extends Error {
  constructor(
    readonly kind: ProblemKind,
    readonly file: string,
    detail: string,
    options?: ErrorOptions,
  ) {
    super(`${file}: ${kind}: ${detail}`, options);
  }
}

/** What one cut showed: the problems, and which way it went where both were right. */
export interface CutOutcome {
  readonly problems: readonly Problem[];
  readonly files: number;
  /** The step that was under way: not to be seen, or already. */
  readonly inFlight: 'old' | 'new' | 'none';
  /** Files found in the middle of an in-place update, and repaired. */
  readonly repaired: number;
}

/**
 * Checks every file in a folder, then updates each, to see that it can be.
 * @param acknowledged the number of steps that were acknowledged before the cut
 */
export async function checkFolder(folder: string, acknowledged: number): Promise<CutOutcome> {
  const before = statesAfter(acknowledged);
  const after = statesAfter(acknowledged + 1);
  const problems = checkNames(folder, new Set(after.keys()));
  let inFlight: CutOutcome['inFlight'] = 'none';
  let repaired = 0;
  for (const [file, newState] of after) {
    const oldState = before.get(file);
    try {
      const found = await stateOf(join(folder, file), file);
      compare(file, found, oldState, newState);
      if (steps[acknowledged]?.file === file) inFlight = same(found, newState) ? 'new' : 'old';
      if (found === undefined) continue;
      if (found.updating) {
        await repairUpdate(join(folder, file), file, found.version);
        repaired += 1;
      }
      await updateAgain(join(folder, file), file, found.version + 1);
    } catch (error) {
      problems.push(
        error instanceof Problem ? error : new Problem('damaged', file, String(error), { cause: error }),
      );
    }
  }
  return { problems, files: after.size, inFlight, repaired };
}

/** Only the files of the workload may be there, once what the interrupted writer left has been cleaned up. */
function checkNames(folder: string, known: Set<string>): Problem[] {
  cleanStaleFiles(folder);
  return readdirSync(folder)
    .filter((name) => name !== 'lost+found' && !known.has(name))
    .map((name) => new Problem(name.endsWith('.pycauset') ? 'early' : 'left over', name, 'is there'));
}

/** @throws Problem where the file is one that no state explains */
async function stateOf(path: string, file: string): Promise<FileState | undefined> {
  if (!existsSync(path)) return undefined;
  const array = await PersistentArray.open(path, { allowUncommitted: true });
  try {
    const version = versionIn(array);
    if (version === undefined) throw new Problem('damaged', file, 'has no version in its metadata');
    if (array.committed) await checkCommitted(array, file, version);
    else checkMixture(array, file, version);
    return { version, updating: !array.committed };
  } finally {
    await array.close();
  }
}

function versionIn(array: PersistentArray): number | undefined {
  const entry = array.metadata.get('version');
  return entry?.type === 'u64' ? Number(entry.value) : undefined;
}

async function checkCommitted(array: PersistentArray, file: string, version: number): Promise<void> {
  const { checksum, error } = await array.verify();
  if (error !== undefined) throw new Problem('damaged', file, error.message, { cause: error });
  if (checksum !== 'crc32') throw new Problem('damaged', file, `its checksum is of kind ${checksum}`);
  checkValues(array, file, `version ${version}`, (row, column, found) => {
    return found === valueAt(rowVersion(planOf(file), row, version), row, column);
  });
}

/** During an in-place update each element is old or new, and nothing else. */
function checkMixture(array: PersistentArray, file: string, version: number): void {
  checkValues(array, file, `versions ${version} and ${version + 1}`, (row, column, found) => {
    return found === valueAt(version, row, column) || found === valueAt(version + 1, row, column);
  });
}

function checkValues(
  array: PersistentArray,
  file: string,
  expected: string,
  accepts: (row: number, column: number, found: number) => boolean,
): void {
  const { rows, columns } = planOf(file);
  const values = array.values();
  if (!(values instanceof Float64Array) || values.length !== rows * columns) {
    throw new Problem('damaged', file, 'has another dtype or shape');
  }
  values.forEach((found, index) => {
    const [row, column] = [Math.floor(index / columns), index % columns];
    if (accepts(row, column, found)) return;
    throw new Problem('damaged', file, `(${row}, ${column}) is ${found}, not of ${expected}`);
  });
}

/** @throws Problem unless the state is the acknowledged one or the one that was being made */
function compare(
  file: string,
  found: FileState | undefined,
  oldState: FileState | undefined,
  newState: FileState,
): void {
  if (same(found, oldState) || same(found, newState)) return;
  const expected = [...new Set([describeState(oldState), describeState(newState)])].join(' or ');
  const kind = progress(found) < progress(oldState) ? 'lost' : 'early';
  throw new Problem(kind, file, `is ${describeState(found)}, not ${expected}`);
}

function same(one: FileState | undefined, other: FileState | undefined): boolean {
  return one?.version === other?.version && one?.updating === other?.updating;
}

function progress(state: FileState | undefined): number {
  return state === undefined ? -1 : state.version + (state.updating ? 0.5 : 0);
}

function describeState(state: FileState | undefined): string {
  if (state === undefined) return 'missing';
  return state.updating ? `in an update of version ${state.version}` : `version ${state.version}`;
}

/** Accepts an interrupted update as it is, and expects a file that is committed and whole. */
async function repairUpdate(path: string, file: string, version: number): Promise<void> {
  try {
    await repair(path, 'accept');
    const array = await PersistentArray.open(path);
    try {
      const { error } = await array.verify();
      if (error !== undefined) throw error;
      checkMixture(array, file, version);
    } finally {
      await array.close();
    }
  } catch (error) {
    throw new Problem('stuck', file, `cannot be repaired: ${error}`, { cause: error });
  }
}

/** The file must go on working: one more version, committed and read back. */
async function updateAgain(path: string, file: string, version: number): Promise<void> {
  const plan = planOf(file);
  try {
    const writer = await PersistentArray.open(path, { update: plan.update });
    try {
      await writer.begin();
      const values = writer.values();
      if (!(values instanceof Float64Array)) throw new TypeError('the values of f64 are no Float64Array');
      values.forEach((_, index) => {
        const [row, column] = [Math.floor(index / plan.columns), index % plan.columns];
        values[index] = valueAt(rowVersion(plan, row, version), row, column);
      });
      await writer.commit({ metadata: metadataOf(version) });
    } finally {
      await writer.close();
    }
    await stateOf(path, file);
  } catch (error) {
    throw new Problem('stuck', file, `cannot be updated: ${error}`, { cause: error });
  }
}
