// Which glibc a file needs.
import { closeSync, openSync, readSync } from 'node:fs';
import { output } from './commands.js';

/** Like 2.17, or undefined for what needs none: static programs, files of Windows. */
export function neededGlibc(file: string): string | undefined {
  if (!isElf(file)) return undefined;
  const versions = output('readelf', ['--version-info', file]).matchAll(/GLIBC_(\d+)\.(\d+)/g);
  const newest = [...versions]
    .map(([, major, minor]) => [Number(major), Number(minor)] as const)
    .sort(([majorA, minorA], [majorB, minorB]) => majorA - majorB || minorA - minorB)
    .at(-1);
  return newest?.join('.');
}

/** Symbols that nobody defines whom the file names, and no version tells whose they are: they are missing on other systems. */
export function unversionedSymbols(file: string): string[] {
  if (!isElf(file)) return [];
  return output('readelf', ['--wide', '--dyn-syms', file])
    .split('\n')
    .filter((line) => / GLOBAL .* UND [^@]+$/.test(line))
    .map((line) => line.trim().split(/\s+/).at(-1) ?? '')
    .filter((name) => !/^(napi|node_api)_/.test(name));
}

export function isNewer(a: string, b: string): boolean {
  const [majorA = 0, minorA = 0] = a.split('.').map(Number);
  const [majorB = 0, minorB = 0] = b.split('.').map(Number);
  return majorA > majorB || (majorA === majorB && minorA > minorB);
}

function isElf(file: string): boolean {
  const descriptor = openSync(file, 'r');
  try {
    const start = Buffer.alloc(4);
    return readSync(descriptor, start, 0, 4, 0) === 4 && start.toString('latin1') === '\x7fELF';
  } finally {
    closeSync(descriptor);
  }
}
