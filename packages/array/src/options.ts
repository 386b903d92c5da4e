// What long-running calls have in common.

export interface LongOptions {
  /** Stops the call with ERR_VGPU_ARRAY_ABORTED and leaves everything as it was. */
  readonly signal?: AbortSignal | undefined;
  /** Called from time to time with bytes done and bytes in all. */
  readonly onProgress?: ((done: number, total: number) => void) | undefined;
}
