import type { CheckOptions } from '@vgpu/executor';
import type { GuestLibrary } from '@vgpu/preload-shim';

/** Something that looks on while a program runs, and tells about it afterwards. */
export interface Observer {
  /** What the program loads instead of the guest library. */
  readonly guest?: GuestLibrary;
  /** What the program gets besides its own environment. */
  readonly environment?: NodeJS.ProcessEnv;
  /** What the executor shall look for; then it is one of the program's own. */
  readonly check?: CheckOptions;
  /** Where the executor shall append what it counts; then, too, it is one of the program's own. */
  readonly profilePath?: string;
  /**
   * Once the program has ended and the executor has stopped: tells what was seen. Gives the exit status to end with,
   * where it shall not be the program's.
   */
  finish(program: string, args: readonly string[]): Promise<number | undefined>;
  /** In any case, at the very end. */
  remove(): void;
}
