// The files behind an array: one to read, and for an array that is updated one to write.
import { containerHeaderBytes } from '@vgpu/format';
import { MappedFile } from '@vgpu/mmap-native';
import type { OpenOptions } from './array-options.js';
import { ArrayError } from './errors.js';
import { readUpTo, readVersion, type Version } from './version.js';

export interface OpenFiles {
  /** Its windows are private: writing to them cannot change the published version. */
  readonly reader: MappedFile;
  /** Holds the lock. */
  readonly writer: MappedFile | undefined;
  readonly version: Version;
}

export async function openFiles(
  path: string,
  { update, lock, assume, allowUncommitted = false }: OpenOptions,
): Promise<OpenFiles> {
  const options = assume === undefined ? { allowUncommitted } : { allowUncommitted, assume };
  if (update === undefined) {
    const reader = await MappedFile.openAsync(path, { access: 'read', lock: lock ?? 'shared' });
    return await closingOnError([reader], async () => ({
      reader,
      writer: undefined,
      version: await readVersion(reader, options),
    }));
  }
  if (lock !== undefined) {
    throw new ArrayError(
      'ERR_VGPU_ARRAY_ARGUMENT',
      'an array that is updated has its own lock: leave out `lock`',
    );
  }
  const writer = await MappedFile.openAsync(path, { access: 'read-write', lock: 'exclusive' });
  return await closingOnError([writer], async () => {
    const version = await readVersion(writer, options);
    const reader = await MappedFile.openAsync(path, { access: 'read', lock: 'none' });
    return await closingOnError([reader], async () => {
      await checkSameFile(writer, reader, version);
      return { reader, writer, version };
    });
  });
}

/** Somebody who does not ask for locks may have put another file in its place between the two opens. */
async function checkSameFile(writer: MappedFile, reader: MappedFile, version: Version): Promise<void> {
  const { metadata } = version.header.slot;
  for (const { offset, length } of [{ offset: 0, length: containerHeaderBytes }, metadata]) {
    const [a, b] = [await readUpTo(writer, offset, length), await readUpTo(reader, offset, length)];
    if (a.length !== b.length || a.some((byte, index) => byte !== b[index])) {
      throw new ArrayError('ERR_VGPU_ARRAY_CHANGED', `${writer.path} was replaced while it was opened`, {
        values: { path: writer.path },
        remedy: 'Open it again.',
      });
    }
  }
}

async function closingOnError<T>(files: readonly MappedFile[], action: () => Promise<T>): Promise<T> {
  try {
    return await action();
  } catch (error) {
    for (const file of files) file.close();
    throw error;
  }
}
