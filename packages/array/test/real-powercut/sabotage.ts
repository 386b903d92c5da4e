// Ways to break the guest's writer, each of which a run must notice: guest/sabotage.c is preloaded there.
import { join } from 'node:path';
import { runCommand } from './commands.js';

export const sabotages = ['no-flush', 'skip-third-flush', 'no-directory-flush'] as const;
export type Sabotage = (typeof sabotages)[number];

/** Compiles the libraries into `folder`. Returns their paths by their names in the guest. */
export function buildSabotages(folder: string, source: string): [string, string][] {
  return sabotages.map((name) => {
    const library = join(folder, `${name}.so`);
    const macro = `-D${name.toUpperCase().replaceAll('-', '_')}`;
    runCommand('cc', [
      '-shared',
      '-fPIC',
      '-O1',
      '-Wall',
      '-Wextra',
      '-Werror',
      macro,
      '-o',
      library,
      source,
    ]);
    return [`lib/sabotage/${name}.so`, library];
  });
}
