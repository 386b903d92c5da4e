// Node in other versions: the npm package that carries it, without the scripts that the package `node` would run.
import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { output } from './commands.js';
import { type Platform, platforms, thisPlatform } from './platforms.js';
import { root } from './workspace.js';

/** The folder of `node` in the newest version of that line. Fetched once. */
export function nodeFolder(major: string, platform: Platform = thisPlatform()): string {
  const prefix = join(root, 'packages/release/build/nodes', platform, major);
  const { os, cpu } = platforms[platform];
  const name = `node-${os}-${cpu}`;
  const folder = join(prefix, 'node_modules', name, 'bin');
  if (!existsSync(join(folder, 'node'))) {
    mkdirSync(prefix, { recursive: true });
    output('npm', [
      'install',
      '--silent',
      '--ignore-scripts',
      '--no-save',
      // It may be for another machine.
      '--force',
      '--prefix',
      prefix,
      `${name}@${major}`,
    ]);
  }
  return folder;
}
