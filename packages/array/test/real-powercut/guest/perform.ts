// One step of the workload, done to the files of a folder.
import { join } from 'node:path';
import { PersistentArray } from '../../../src/index.js';
import { type ArrayPlan, metadataOf, planOf, rowVersion, type Step, valueAt } from '../workload.js';

export class Performer implements AsyncDisposable {
  readonly #folder: string;
  /** Arrays stay open from one update to the next. */
  readonly #open = new Map<string, PersistentArray>();

  constructor(folder: string) {
    this.#folder = folder;
  }

  /** Returns when the package says that the step is durable. */
  async perform({ file, kind, version }: Step): Promise<void> {
    const path = join(this.#folder, file);
    const plan = planOf(file);
    if (kind === 'create') {
      const created = await create(path, plan, version);
      await created.close();
      return;
    }
    const array = this.#open.get(file) ?? (await PersistentArray.open(path, { update: plan.update }));
    this.#open.set(file, array);
    if (kind !== 'commit in place') await array.begin();
    if (kind === 'begin in place') return;
    fill(array, plan, version);
    await array.commit({ metadata: metadataOf(version) });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const array of this.#open.values()) await array.close();
  }
}

function create(path: string, plan: ArrayPlan, version: number): Promise<PersistentArray> {
  return PersistentArray.create(
    path,
    { structure: 'dense', dtype: 'f64', rows: plan.rows, columns: plan.columns },
    {
      values: (row, column) => valueAt(version, row, column),
      metadata: metadataOf(version),
      update: plan.update,
      replace: true,
    },
  );
}

function fill(array: PersistentArray, plan: ArrayPlan, version: number): void {
  for (let row = 0; row < plan.rows; row += 1) {
    if (rowVersion(plan, row, version) !== version) continue;
    const values = array.row(row);
    if (!(values instanceof Float64Array)) throw new TypeError('a row of f64 is no Float64Array');
    for (let column = 0; column < plan.columns; column += 1) values[column] = valueAt(version, row, column);
  }
}
