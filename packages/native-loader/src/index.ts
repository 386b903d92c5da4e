// The native part of a package comes in a package of its own per platform, or from a build of the sources.
export { findFile } from './find-file.js';
export { loadAddon } from './load-addon.js';
export type { Found, NativePart, Problem } from './native-part.js';
