import { accessSync, constants } from 'node:fs';
import { tryAll } from './try-all.js';
import type { Found, NativePart } from './native-part.js';

/**
 * The path of a program or library that others load. Whether it runs here is theirs to see: it needs no newer system than
 * Node does.
 */
export function findFile(part: NativePart, mode: 'read' | 'execute'): Found<string> {
  return tryAll(part, (path) => {
    accessSync(path, mode === 'read' ? constants.R_OK : constants.X_OK);
    return path;
  });
}
