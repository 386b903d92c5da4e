export type MmapErrorCode =
  /**
   * An argument is of the wrong type, or makes no sense.
   * @remedy Correct the argument that the message names.
   */
  | 'ERR_VGPU_MMAP_ARGUMENT'
  /**
   * A range does not lie inside the file, or not inside one ArrayBuffer.
   * @remedy Stay inside the size that the message names, in windows of 4 GiB at most.
   */
  | 'ERR_VGPU_MMAP_RANGE'
  /**
   * The file, window or memory was closed.
   * @remedy Keep it open for as long as it is used.
   */
  | 'ERR_VGPU_MMAP_CLOSED'
  /**
   * A file that should be new is there already.
   * @remedy Open the file, replace it with replaceFile, or choose another name.
   */
  | 'ERR_VGPU_MMAP_EXISTS'
  /**
   * There is no such file or folder.
   * @remedy Check the path.
   */
  | 'ERR_VGPU_MMAP_NOT_FOUND'
  /**
   * Not permitted, or the file system is read-only.
   * @remedy Check the permissions of the file and its directory, and whether the file system is read-only.
   */
  | 'ERR_VGPU_MMAP_ACCESS'
  /**
   * The disk or the quota is full.
   * @remedy Make room on the disk, or raise the quota.
   */
  | 'ERR_VGPU_MMAP_NO_SPACE'
  /**
   * Somebody else holds a lock that conflicts.
   * @remedy Wait for the other user of the file to close it.
   */
  | 'ERR_VGPU_MMAP_LOCKED'
  /**
   * A flush failed: nobody knows what of the file is on disk.
   * @remedy Check the disk, close the file, open it again and check what it contains before going on.
   */
  | 'ERR_VGPU_MMAP_POISONED'
  /** The file turned out shorter than its mapping, or unreadable: bytes were replaced by zeros. */
  | 'ERR_VGPU_MMAP_FAULTED'
  /**
   * Any other failure of the system; `values` has its name.
   * @remedy Look up the system's error, and look into its log.
   */
  | 'ERR_VGPU_MMAP_IO'
  /**
   * The system or the file system cannot do it.
   * @remedy Use another file system, or the calls that copy: read and write.
   */
  | 'ERR_VGPU_MMAP_UNSUPPORTED'
  /**
   * The AbortSignal was triggered.
   * @remedy Call it again without aborting it.
   */
  | 'ERR_VGPU_MMAP_ABORTED'
  /**
   * The native part of this package is not there, or does not load.
   * @remedy Read what was tried in the message; install the package anew for this platform, or build it.
   */
  | 'ERR_VGPU_MMAP_ADDON_MISSING';

/** What an error names. `syscall` and `errno` (such as ENOSPC) come from the system. */
export interface MmapErrorValues {
  readonly syscall?: string;
  readonly errno?: string;
  readonly path?: string;
  readonly offset?: number;
  readonly length?: number;
  readonly size?: number;
}

const remedies: Partial<Record<MmapErrorCode, string>> = {
  ERR_VGPU_MMAP_CLOSED: 'Keep it open for as long as it is used.',
  ERR_VGPU_MMAP_EXISTS: 'Open the file, replace it with replaceFile, or choose another name.',
  ERR_VGPU_MMAP_NOT_FOUND: 'Check the path.',
  ERR_VGPU_MMAP_ACCESS:
    'Check the permissions of the file and its directory, and whether the file system is read-only.',
  ERR_VGPU_MMAP_NO_SPACE: 'Make room on the disk, or raise the quota.',
  ERR_VGPU_MMAP_LOCKED: 'Wait for the other user of the file to close it.',
  ERR_VGPU_MMAP_POISONED:
    'Check the disk, close the file, open it again and check what it contains before going on.',
  ERR_VGPU_MMAP_FAULTED:
    'Treat what was read as lost: find out who shortened the file, or whether the disk fails, and open it again.',
  ERR_VGPU_MMAP_UNSUPPORTED: 'Use another file system, or the calls that copy: read and write.',
};

const brand = Symbol.for('@vgpu/mmap-native/MmapError');

/** Every error that @vgpu/mmap-native throws. `code` is stable; `values` holds what the message names. */
export class MmapError extends Error {
  override readonly name = 'MmapError';
  readonly code: MmapErrorCode;
  readonly values: MmapErrorValues;
  /** One sentence: what can be done about it. */
  readonly remedy: string | undefined;
  readonly [brand] = true;

  constructor(
    code: MmapErrorCode,
    message: string,
    options: { values?: MmapErrorValues; cause?: unknown; remedy?: string } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.values = options.values ?? {};
    this.remedy = options.remedy ?? remedies[code];
  }
}

/** Holds for errors of another copy of this package too, where `instanceof` does not. */
export function isMmapError(error: unknown): error is MmapError {
  return typeof error === 'object' && error !== null && brand in error;
}
