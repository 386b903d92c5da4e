import { native } from './native.js';

export { type FileBytes, maximumWindowBytes } from './arguments.js';
export { isMmapError, MmapError, type MmapErrorCode, type MmapErrorValues } from './errors.js';
export { type AbortOptions, type CreateOptions, MappedFile, type OpenOptions } from './mapped-file.js';
export { MappedWindow } from './mapped-window.js';
export type { Advice } from './native.js';
export type { Access, LockKind } from './open-file.js';
export { type ReplaceOptions, replaceFile, replaceFileAsync } from './replace-file.js';
export { ScratchMemory, type ScratchOptions } from './scratch-memory.js';
export { type CleanOptions, cleanStaleFiles, cleanStaleFilesAsync, type StaleFile } from './stale-files.js';

/** The system's page in bytes: what memory is mapped, discarded and counted in. Loads the addon. */
export function pageSize(): number {
  return native().pageSize;
}
