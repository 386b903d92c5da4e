// Commits until it is killed: writer DIRECTORY MODE VERSION; VERSION is what the file holds.
import { writeSync } from 'node:fs';
import { basename, join } from 'node:path';
import { ScratchMemory } from '@vgpu/mmap-native';
import { PersistentArray } from '../../src/index.js';
import { columns, fileOf, type Message, type Mode, modes, rows, valueAt } from './messages.js';

const [directory = '', modeText = '', versionText = ''] = process.argv.slice(2);
const mode = modes.find((each) => each === modeText);
if (mode === undefined) throw new Error('usage: writer DIRECTORY MODE VERSION');
const path = join(directory, fileOf(mode));

function tell(message: Message): void {
  // Synchronous: what was told is in the pipe, whatever happens next.
  writeSync(1, `${JSON.stringify(message)}\n`);
}

function scratch(): ScratchMemory {
  const memory = ScratchMemory.create(64 * 1024, { directory, named: true });
  memory.window(0, 4096).bytes.fill(1);
  return memory;
}

async function replace(version: number): Promise<void> {
  const values = (row: number, column: number) => valueAt(version, row, column);
  const array = await PersistentArray.create(
    path,
    { structure: 'dense', dtype: 'f64', rows, columns },
    { values, replace: true },
  );
  await array.close();
}

async function commit(array: PersistentArray, version: number): Promise<void> {
  await array.begin();
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) array.set(row, column, valueAt(version, row, column));
  }
  tell({ kind: 'commit', version });
  await array.commit();
}

async function work(update: Mode): Promise<never> {
  // The first use of the directory cleans up after those who died in it.
  const held = [scratch(), scratch()];
  const array = update === 'replace' ? undefined : await PersistentArray.open(path, { update });
  let version = Number(versionText);
  tell({ kind: 'ready', version, scratch: held.map((each) => basename(each.path ?? '')) });
  for (;;) {
    version += 1;
    tell({ kind: 'begin', version });
    if (array === undefined) await replace(version);
    else await commit(array, version);
    tell({ kind: 'done', version });
    // Scratch files come and go.
    if (version % 5 === 0) scratch().close();
  }
}

await work(mode);
