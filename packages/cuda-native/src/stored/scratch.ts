// Sorted runs on disk, until they are merged.
import { randomBytes } from 'node:crypto';
import { access, type FileHandle, open, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { NumericArray } from '../arrays.js';
import { ComputeError } from '../errors.js';

/** The runs of an output that is being sorted and may be taken up after a crash. */
export function runsPath(output: string): string {
  return `${output}.runs`;
}

/**
 * A file for one operation. `resume`: it has a name, and stays after a crash. Else it has none, and goes with the process; the name
 * that it has for a moment is one that @vgpu/mmap-native's clean-up knows.
 */
export class Scratch {
  readonly #path: string;
  readonly #file: FileHandle;

  private constructor(path: string, file: FileHandle) {
    this.#path = path;
    this.#file = file;
  }

  /** @throws ComputeError ERR_VGPU_COMPUTE_SCRATCH */
  static async open(output: string, kind: 'nameless' | 'new' | 'continued'): Promise<Scratch> {
    const nameless = join(dirname(output), `vgpu-${process.pid}-${randomBytes(8).toString('hex')}.tmp`);
    const path = kind === 'nameless' ? nameless : runsPath(output);
    return explained(path, async () => {
      const file = await open(path, kind === 'continued' ? 'r+' : 'w+', 0o600);
      if (kind === 'nameless') await rm(path, { force: true });
      return new Scratch(path, file);
    });
  }

  /** At a byte of the file. @throws ComputeError ERR_VGPU_COMPUTE_SCRATCH, on a full disk for example */
  async write(offset: number, array: NumericArray): Promise<void> {
    const bytes = bytesOf(array);
    await explained(this.#path, async () => {
      for (let done = 0; done < bytes.length; ) {
        done += (await this.#file.write(bytes, done, bytes.length - done, offset + done)).bytesWritten;
      }
    });
  }

  /** Fills the array. @throws ComputeError ERR_VGPU_COMPUTE_SCRATCH also where the file ends before that */
  async read(offset: number, array: NumericArray): Promise<void> {
    const bytes = bytesOf(array);
    await explained(this.#path, async () => {
      for (let done = 0; done < bytes.length; ) {
        const { bytesRead } = await this.#file.read(bytes, done, bytes.length - done, offset + done);
        if (bytesRead === 0) throw new Error(`it ends before byte ${offset + done}`);
        done += bytesRead;
      }
    });
  }

  async flush(): Promise<void> {
    await explained(this.#path, () => this.#file.datasync());
  }

  /** Where it has a name, that one stays. */
  async close(): Promise<void> {
    await this.#file.close();
  }

  /** Whether there are runs of an operation that was interrupted. */
  static async exists(output: string): Promise<boolean> {
    return access(runsPath(output)).then(
      () => true,
      () => false,
    );
  }

  /** Nobody needs the runs of this output any more. */
  static async remove(output: string): Promise<void> {
    await explained(runsPath(output), () => rm(runsPath(output), { force: true }));
  }
}

function bytesOf({ buffer, byteOffset, byteLength }: NumericArray): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength);
}

async function explained<T>(path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    throw new ComputeError('ERR_VGPU_COMPUTE_SCRATCH', `the sorted runs in ${path}: ${String(cause)}`, {
      values: { path },
      cause,
      remedy: 'Sorting on disk takes as much space again in the folder of the output.',
    });
  }
}
