// What the guest does to the disk, step by step. Host and guest share it, so the host knows what every file must hold
// after any step.
import { type MetadataMap, meta } from '@vgpu/format';

/** How often each array gets a new version: enough for some hundred flushes. */
const rounds = 12;

export interface ArrayPlan {
  readonly rows: number;
  readonly columns: number;
  readonly update: 'atomic' | 'in-place';
  /** A new version changes every row, or only each seventh: the others must come over from the version before. */
  readonly changes: 'every row' | 'some rows';
}

/** What one step does to one file. A step that creates replaces what is there. */
export interface Step {
  readonly file: string;
  readonly kind: 'create' | 'commit' | 'begin in place' | 'commit in place';
  readonly version: number;
}

export interface FileState {
  readonly version: number;
  /** An in-place update from `version` to the next is under way: any mixture of the two may be in the file. */
  readonly updating: boolean;
}

const small = { rows: 64, columns: 64 } as const;

export function planOf(file: string): ArrayPlan {
  if (file.startsWith('in-place')) return { ...small, update: 'in-place', changes: 'every row' };
  if (file.startsWith('sparse')) return { rows: 512, columns: 64, update: 'atomic', changes: 'some rows' };
  return { ...small, update: 'atomic', changes: 'every row' };
}

export const steps: readonly Step[] = [...workload()];

function* workload(): Generator<Step> {
  yield { file: 'atomic.pycauset', kind: 'create', version: 0 };
  yield { file: 'sparse.pycauset', kind: 'create', version: 0 };
  yield { file: 'in-place.pycauset', kind: 'create', version: 0 };
  for (let version = 1; version <= rounds; version += 1) {
    yield { file: 'atomic.pycauset', kind: 'commit', version };
    yield { file: 'sparse.pycauset', kind: 'commit', version };
    yield { file: 'in-place.pycauset', kind: 'begin in place', version: version - 1 };
    yield { file: 'in-place.pycauset', kind: 'commit in place', version };
    yield { file: 'replaced.pycauset', kind: 'create', version };
    if (version % 3 === 0) yield { file: `new-${version}.pycauset`, kind: 'create', version };
  }
}

/** Each file's state after the first `count` steps; a file that is not named does not exist. */
export function statesAfter(count: number): Map<string, FileState> {
  const states = new Map<string, FileState>();
  for (const { file, kind, version } of steps.slice(0, count)) {
    states.set(file, { version, updating: kind === 'begin in place' });
  }
  return states;
}

/** The value at an index of a row whose content is that of `version`. */
export function valueAt(version: number, row: number, column: number): number {
  return version * 2 ** 20 + row * 512 + column;
}

/** The newest version up to `version` that changed the row. */
export function rowVersion(plan: ArrayPlan, row: number, version: number): number {
  if (plan.changes === 'every row') return version;
  const stale = (((version - row) % 7) + 7) % 7;
  return Math.max(0, version - stale);
}

export function metadataOf(version: number): MetadataMap {
  return new Map([['version', meta.u64(version)]]);
}
