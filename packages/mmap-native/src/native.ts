// The addon: where it is, and everything that it offers.
import { loadAddon } from '@vgpu/native-loader';
import { MmapError } from './errors.js';

/** A blocking call whose first argument, `async`, is false returns its result, else a promise of it. */
type Result<T> = T | Promise<T>;

/** An open file. Offsets and lengths are bytes; the caller checks them. An operation in flight keeps it open. */
export interface NativeFile {
  size(): number;
  isRegular(): boolean;
  resize(async: boolean, size: number): Result<void>;
  reserve(async: boolean, offset: number, length: number): Result<void>;
  punchHole(async: boolean, offset: number, length: number): Result<void>;
  /** Returns how many bytes it read: fewer than asked for only at the end of the file. */
  read(async: boolean, offset: number, target: Uint8Array): Result<number>;
  write(async: boolean, offset: number, bytes: Uint8Array): Result<void>;
  copyWithin(async: boolean, from: number, to: number, length: number): Result<void>;
  flush(async: boolean): Result<void>;
  /** Forgets cached pages wholly inside the range, after writing them back. */
  dropCache(async: boolean, offset: number, length: number): Result<void>;
  /** Starts reading ahead. */
  prefetch(async: boolean, offset: number, length: number): Result<void>;
  /** Reads the range into the page cache. */
  load(async: boolean, offset: number, length: number): Result<void>;
  residentBytes(async: boolean, offset: number, length: number): Result<number>;
  /** False when somebody else holds a lock that conflicts. */
  tryLock(async: boolean, exclusive: boolean): Result<boolean>;
  unlock(): void;
  /** Whether the path still names this file. */
  isAt(async: boolean, path: string): Result<boolean>;
  setMode(async: boolean, mode: number): Result<void>;
  /** `offset` is a multiple of `mappingGranularity`. Not `shared`: what is written stays in this process. */
  map(offset: number, length: number, shared: boolean): NativeMapping;
  close(): void;
}

/** Pages in memory. Ranges are relative to the first one. */
export interface NativeMapping {
  buffer(offset: number, length: number): NativeBuffer;
  writeBack(async: boolean, offset: number, length: number): Result<void>;
  discard(async: boolean, offset: number, length: number): Result<void>;
  prefetch(async: boolean, offset: number, length: number): Result<void>;
  advise(advice: Advice, offset: number, length: number): void;
  residentBytes(offset: number, length: number): number;
  pin(offset: number, length: number): void;
  unpin(offset: number, length: number): void;
  faulted(): boolean;
  /** The pages go once no operation and no buffer needs them. */
  close(): void;
}

/** An ArrayBuffer over pages of a mapping. */
export interface NativeBuffer {
  arrayBuffer(): ArrayBuffer;
  /** Detaches the ArrayBuffer: views of it have length 0 afterwards. */
  close(): void;
}

/** What the system expects of the accesses to come. */
export type Advice = 'normal' | 'sequential' | 'random';

export interface Native {
  openFile(async: boolean, path: string, write: boolean, followLinks: boolean): Result<NativeFile>;
  /** `mode`: permission bits, narrowed by the umask. */
  createFile(async: boolean, path: string, mode: number): Result<NativeFile>;
  createUnnamedFile(async: boolean, directory: string): Result<NativeFile>;
  anonymousMemory(length: number): NativeMapping;
  /** As long as it is the same, no mapping has faulted that had not before. */
  faultCount(): number;
  listDirectory(async: boolean, directory: string): Result<string[]>;
  replace(async: boolean, from: string, to: string): Result<void>;
  removeFile(async: boolean, path: string): Result<void>;
  flushDirectory(async: boolean, directory: string): Result<void>;
  resolveLink(async: boolean, path: string): Result<string>;
  modeOf(async: boolean, path: string): Result<number>;
  readonly processId: number;
  readonly pageSize: number;
  readonly mappingGranularity: number;
}

/** What the addon throws when the system refuses. */
export interface NativeError extends Error {
  readonly kind: 'exists' | 'notFound' | 'access' | 'noSpace' | 'locked' | 'unsupported' | 'io';
  readonly call: string;
  readonly number: number;
  readonly errorName: string;
  readonly path: string;
}

let loaded: Native | undefined;

/**
 * The addon, loaded at the first call.
 *
 * @throws MmapError ERR_VGPU_MMAP_ADDON_MISSING, naming every place that was tried and why it would not do.
 */
export function native(): Native {
  loaded ??= load();
  return loaded;
}

function load(): Native {
  const found = loadAddon<Native>({
    package: '@vgpu/mmap-native',
    from: import.meta.url,
    file: 'lib/vgpu_mmap.node',
    variable: 'VGPU_MMAP_ADDON',
  });
  if ('value' in found) return found.value;
  const { message, remedy, causes } = found.problem;
  throw new MmapError('ERR_VGPU_MMAP_ADDON_MISSING', message, { remedy, cause: causes[0] });
}
