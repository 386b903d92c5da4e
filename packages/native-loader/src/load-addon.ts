import { createRequire } from 'node:module';
import { tryAll } from './try-all.js';
import type { Found, NativePart } from './native-part.js';

/** Loads an addon of Node's. Which type it has nobody checks: it is the one that the package was built with. */
export function loadAddon<T>(part: NativePart): Found<T> {
  const require = createRequire(part.from);
  return tryAll(part, (path) => require(path) as T);
}
