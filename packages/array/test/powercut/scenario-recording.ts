import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Recording, record, temporaryDirectory } from './recording.js';
import { inputs, perform, type Scenario } from './scenarios.js';

const child = join(import.meta.dirname, 'scenario-child.ts');

export async function recordScenario(scenario: Scenario): Promise<Recording> {
  const directory = temporaryDirectory();
  try {
    await perform(scenario, directory, scenario.before, 1, () => undefined);
    for (const [name, bytes] of inputs(scenario)) writeFileSync(join(directory, name), bytes);
    // The loader by its address: the program runs in a directory from which it could not be found by name.
    return record(directory, process.execPath, [
      '--import',
      import.meta.resolve('tsx'),
      child,
      scenario.name,
    ]);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}
