import { isAbsolute, resolve } from 'node:path';

/**
 * The same file, whatever the working directory becomes. On POSIX systems `..` stays as it is: behind a symbolic link it
 * leads elsewhere than to the folder that holds the link.
 */
export function absolutePath(path: string): string {
  if (process.platform === 'win32') return resolve(path);
  return isAbsolute(path) ? path : `${process.cwd()}/${path}`;
}

/** A name in a directory, whose `..` stay for the same reason. */
export function pathIn(directory: string, name: string): string {
  return directory.endsWith('/') ? `${directory}${name}` : `${directory}/${name}`;
}
