// Runs in the guest: does the workload's steps in a folder, and acknowledges each on a raw partition once it has
// returned.
import { constants, openSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { ScratchMemory } from '@vgpu/mmap-native';
import { PersistentArray } from '../../../src/index.js';
import { acknowledgementBytes, encodeAcknowledgement } from '../acknowledgement.js';
import { type ArrayPlan, metadataOf, planOf, rowVersion, type Step, steps, valueAt } from '../workload.js';

const [folder, acknowledgements] = process.argv.slice(2);
if (folder === undefined || acknowledgements === undefined) throw new Error('usage: writer FOLDER PARTITION');

const partition = openSync(acknowledgements, constants.O_WRONLY | constants.O_DIRECT);
// O_DIRECT needs an aligned address; mapped memory begins at a page.
const record = ScratchMemory.create(acknowledgementBytes).window(0, acknowledgementBytes).bytes;
const open = new Map<string, PersistentArray>();

for (const [index, step] of steps.entries()) {
  await perform(step, join(folder, step.file));
  encodeAcknowledgement(index, record);
  const written = writeSync(partition, record, 0, record.length, index * acknowledgementBytes);
  if (written !== record.length) throw new Error(`wrote ${written} bytes of acknowledgement ${index}`);
  if (index % 20 === 0) console.log(`vgpu: step ${index} of ${steps.length}`);
}
for (const array of open.values()) await array.close();

async function perform({ file, kind, version }: Step, path: string): Promise<void> {
  const plan = planOf(file);
  if (kind === 'create') {
    const created = await create(path, plan, version);
    await created.close();
    return;
  }
  const array = open.get(file) ?? (await PersistentArray.open(path, { update: plan.update }));
  open.set(file, array);
  if (kind === 'begin in place') {
    await array.begin();
    return;
  }
  if (kind === 'commit') await array.begin();
  fill(array, plan, version);
  await array.commit({ metadata: metadataOf(version) });
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
