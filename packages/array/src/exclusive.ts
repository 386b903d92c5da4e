// One begin, commit or rollback at a time, and none after one that left the file's state unknown.
import { ArrayError } from './errors.js';
import { busy } from './refusals.js';

export class Exclusive {
  #name: string | undefined;
  #done: Promise<void> = Promise.resolve();
  #failure: unknown;

  /** Resolves when nothing runs any more; never rejects. */
  get done(): Promise<void> {
    return this.#done;
  }

  /** True after a failure that makes the file unusable until it is opened again. */
  get failed(): boolean {
    return this.#failure !== undefined;
  }

  /** @throws ArrayError ERR_VGPU_ARRAY_BUSY while anything but one of `allowed` runs */
  checkIdle(...allowed: string[]): void {
    if (this.#name !== undefined && !allowed.includes(this.#name)) throw busy(this.#name);
  }

  /** @throws ArrayError ERR_VGPU_ARRAY_FAILED */
  checkUsable(path: string): void {
    if (this.#failure === undefined) return;
    throw new ArrayError('ERR_VGPU_ARRAY_FAILED', `an update of ${path} failed before`, {
      values: { path },
      remedy: 'Close the array and open it again: it has either the old version or the new one, whole.',
      cause: this.#failure,
    });
  }

  /** `isFatal` says whether an error of `action` leaves the state of the file unknown. */
  async run(name: string, action: () => Promise<void>, isFatal: (error: unknown) => boolean): Promise<void> {
    let finish = () => {};
    this.#done = new Promise((resolve) => {
      finish = resolve;
    });
    this.#name = name;
    try {
      await action();
    } catch (error) {
      if (isFatal(error)) this.#failure = error;
      throw error;
    } finally {
      this.#name = undefined;
      finish();
    }
  }
}
