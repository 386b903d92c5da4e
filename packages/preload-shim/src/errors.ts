export type GuestErrorCode =
  /**
   * The guest library is not there.
   * @remedy Install @vgpu/preload-shim anew for this platform, or build it.
   */
  | 'ERR_VGPU_GUEST_MISSING'
  /**
   * No folder can be made in which it has the names of CUDA's libraries.
   * @remedy Set XDG_CACHE_HOME to a folder that can be written.
   */
  | 'ERR_VGPU_GUEST_NAMES';

interface GuestErrorOptions {
  cause?: unknown;
  /** One sentence: what can be done about it. */
  remedy?: string;
}

const brand = Symbol.for('@vgpu/preload-shim/GuestError');

/** Every error that @vgpu/preload-shim throws. `code` is stable; the message names what was tried. */
export class GuestError extends Error {
  override readonly name = 'GuestError';
  readonly code: GuestErrorCode;
  readonly remedy: string | undefined;
  readonly [brand] = true;

  constructor(code: GuestErrorCode, message: string, options: GuestErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.remedy = options.remedy;
  }
}

/** Holds for errors of another copy of this package too, where `instanceof` does not. */
export function isGuestError(error: unknown): error is GuestError {
  return typeof error === 'object' && error !== null && brand in error;
}
