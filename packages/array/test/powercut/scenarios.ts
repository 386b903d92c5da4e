// What is done to an array while the power may fail, and which values it has afterwards.
import { join } from 'node:path';
import { type MetadataMap, meta, writeNpy } from '@vgpu/format';
import { importNpy, PersistentArray } from '../../src/index.js';
import type { DirectoryContent } from './recording.js';

/** Each makes one version more. */
export interface Step {
  /** `commit-fresh`: the draft begins as zeros, not as a copy. */
  readonly kind: 'create' | 'import' | 'commit' | 'commit-fresh';
  /** Those that get values of this version. All without it; none for a commit of metadata alone. */
  readonly rows?: readonly number[];
  /** Goes into the metadata, to make them short and long. The old one stays without it. */
  readonly note?: string;
}

export interface Scenario {
  readonly name: string;
  readonly update: 'atomic' | 'in-place';
  readonly rows: number;
  readonly columns: number;
  /** Made before the recording begins, and safely on the disk. */
  readonly before: readonly Step[];
  readonly recorded: readonly Step[];
  /** Only samples of its states can be tried, and each is expensive. */
  readonly large?: boolean;
}

/** What the array holds in one version; undefined: there is none. */
export interface Expected {
  readonly values: Float64Array;
  readonly note: string;
}

export const target = 'array.pycauset';
const source = 'input.npy';

const create: Step = { kind: 'create' };
const everything: Step = { kind: 'commit' };
const small = { rows: 3, columns: 5 };
/** Some pages, so that the parts of a version can be lost one without the other. */
const medium = { rows: 24, columns: 64 };

export const scenarios: readonly Scenario[] = [
  { name: 'create', update: 'atomic', ...small, before: [], recorded: [create] },
  { name: 'create in pages', update: 'atomic', ...medium, before: [], recorded: [create] },
  { name: 'replace', update: 'atomic', ...medium, before: [create], recorded: [create, create] },
  { name: 'import', update: 'atomic', ...medium, before: [], recorded: [{ kind: 'import' }] },
  { name: 'import over', update: 'atomic', ...medium, before: [create], recorded: [{ kind: 'import' }] },
  { name: 'atomic', update: 'atomic', ...small, before: [create], recorded: [everything] },
  {
    name: 'atomic in a row',
    update: 'atomic',
    ...medium,
    before: [create],
    recorded: [
      everything,
      { kind: 'commit', rows: [0, 23], note: 'n'.repeat(5000) },
      { kind: 'commit', rows: [7], note: '' },
      { kind: 'commit-fresh', rows: [1, 2] },
      { kind: 'commit', note: 'n'.repeat(20_000) },
      { kind: 'commit', rows: [23] },
    ],
  },
  {
    name: 'metadata',
    update: 'atomic',
    ...medium,
    before: [create],
    recorded: [
      { kind: 'commit', rows: [], note: 'new' },
      { kind: 'commit', rows: [], note: 'longer'.repeat(2000) },
      { kind: 'commit', rows: [], note: 'short' },
    ],
  },
  {
    name: 'in place',
    update: 'in-place',
    ...medium,
    before: [create],
    recorded: [everything, { kind: 'commit', rows: [3, 20], note: 'n'.repeat(5000) }, everything],
  },
  {
    name: 'atomic twice',
    update: 'atomic',
    ...medium,
    before: [create],
    recorded: [everything, { kind: 'commit', rows: [3], note: 'n'.repeat(1000) }],
  },
  {
    name: 'in place twice',
    update: 'in-place',
    ...medium,
    before: [create],
    recorded: [everything, everything],
  },
  { name: 'in place, small', update: 'in-place', ...small, before: [create], recorded: [everything] },
  {
    name: 'atomic, large',
    update: 'atomic',
    rows: 48,
    columns: 1024,
    before: [create],
    recorded: [everything, { kind: 'commit', rows: [5, 40] }, everything],
    large: true,
  },
  {
    name: 'in place, large',
    update: 'in-place',
    rows: 48,
    columns: 1024,
    before: [create],
    recorded: [everything, { kind: 'commit', rows: [5, 40] }],
    large: true,
  },
];

export function scenarioNamed(name: string): Scenario {
  const scenario = scenarios.find((each) => each.name === name);
  if (scenario === undefined) {
    throw new Error(`no scenario "${name}"; there are: ${scenarios.map((each) => each.name).join(', ')}`);
  }
  return scenario;
}

function valueAt(version: number, row: number, column: number): number {
  return version * 1_000_000 + row * 1000 + column + 0.5;
}

/** By version; the recording begins with that of index `before.length`. */
export function expectedVersions({ rows, columns, before, recorded }: Scenario): (Expected | undefined)[] {
  const versions: (Expected | undefined)[] = [undefined];
  for (const [index, step] of [...before, ...recorded].entries()) {
    const version = index + 1;
    const present = versions[index];
    const values =
      step.kind === 'commit' && present ? present.values.slice() : new Float64Array(rows * columns);
    for (const row of rowsOf(step, rows)) {
      for (let column = 0; column < columns; column++) {
        values[row * columns + column] = valueAt(version, row, column);
      }
    }
    const note = step.note ?? (isCommit(step) ? present?.note : undefined) ?? '';
    versions.push({ values, note });
  }
  return versions;
}

function isCommit({ kind }: Step): boolean {
  return kind === 'commit' || kind === 'commit-fresh';
}

function rowsOf(step: Step, rows: number): readonly number[] {
  return step.rows ?? Array.from({ length: rows }, (_, row) => row);
}

function metadataOf(note: string): MetadataMap {
  return new Map([['note', meta.string(note)]]);
}

export function noteOf(metadata: MetadataMap): string {
  const note = metadata.get('note');
  return note?.type === 'string' ? note.value : '';
}

/** Carries steps out in a directory; `mark` is told before and after each. */
export async function perform(
  scenario: Scenario,
  directory: string,
  steps: readonly Step[],
  firstVersion: number,
  mark: (text: string) => void,
): Promise<void> {
  const path = join(directory, target);
  let array: PersistentArray | undefined;
  for (const [index, step] of steps.entries()) {
    const version = firstVersion + index;
    if (!isCommit(step)) {
      await array?.close();
      mark(`begin ${version}`);
      array = await make(scenario, step, directory, version);
    } else {
      array ??= await PersistentArray.open(path, { update: scenario.update });
      mark(`begin ${version}`);
      await array.begin(step.kind === 'commit' ? {} : { copy: false });
      for (const row of rowsOf(step, scenario.rows)) {
        for (let column = 0; column < scenario.columns; column++) {
          array.set(row, column, valueAt(version, row, column));
        }
      }
      await array.commit(step.note === undefined ? {} : { metadata: metadataOf(step.note) });
    }
    mark(`done ${version}`);
  }
  await array?.close();
}

async function make(
  { rows, columns, update }: Scenario,
  { kind }: Step,
  directory: string,
  version: number,
): Promise<PersistentArray> {
  const path = join(directory, target);
  if (kind === 'import') {
    return await importNpy(join(directory, source), path, { replace: true, update });
  }
  return await PersistentArray.create(
    path,
    { structure: 'dense', dtype: 'f64', rows, columns },
    {
      values: (row, column) => valueAt(version, row, column),
      metadata: metadataOf(''),
      replace: true,
      update,
    },
  );
}

/** Files that lie there from the beginning, besides what `before` makes. */
export function inputs({ rows, columns, before, recorded }: Scenario): DirectoryContent {
  const index = recorded.findIndex(({ kind }) => kind === 'import');
  if (index < 0) return new Map();
  const version = before.length + index + 1;
  const npy = writeNpy({ dtype: 'f64', shape: [rows, columns] }, (row = 0, column = 0) =>
    valueAt(version, row, column),
  );
  return new Map([[source, npy]]);
}
