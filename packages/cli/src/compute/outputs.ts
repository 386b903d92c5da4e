// Where results go: whole or absent, unless they are to survive a crash half done.
import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { open, readFile, rename, rm } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { PersistentArray } from '@vgpu/array';
import type { StoredOutput } from '@vgpu/cuda-native/stored';
import { byteOffset, encodeNpyHeader, npyDataBytes } from '@vgpu/format';
import { MappedFile, replaceFileAsync } from '@vgpu/mmap-native';
import { CliError } from '../errors.js';
import { NpyArray } from './npy-array.js';
import { dimensionsOf, type Shape } from './operation.js';

export interface OutputFile {
  readonly path: string;
  readonly shape: Shape;
}

interface OutputOptions {
  readonly resume: boolean;
  /** False where an interrupted operation goes on. */
  readonly isNew: boolean;
  readonly signal: AbortSignal;
}

/** Makes the files, has `write` fill and commit them, and gives them their names. */
export async function withOutputs<T>(
  files: readonly OutputFile[],
  options: OutputOptions,
  write: (outputs: readonly StoredOutput[]) => Promise<T>,
): Promise<T> {
  const [file, ...others] = files;
  if (file === undefined) return write([]);
  const rest = (output: StoredOutput) => withOutputs(others, options, (more) => write([output, ...more]));
  if (!file.path.endsWith('.npy'))
    return options.resume ? resumed(file, options.isNew, rest) : fresh(file, rest);
  if (options.resume) {
    throw new CliError('ERR_VGPU_USAGE', '--resume needs outputs that are .pycauset files', {
      remedy: 'write to .pycauset, and export it afterwards: vgpu file export',
    });
  }
  return npy(file, options, rest);
}

async function npy<T>(
  { path, shape }: OutputFile,
  { signal }: OutputOptions,
  write: (output: StoredOutput) => Promise<T>,
) {
  const { dtype } = shape;
  const dimensions = dimensionsOf(shape);
  const header = encodeNpyHeader({ dtype, shape: dimensions });
  const size = header.length + npyDataBytes(dtype, dimensions);
  let result: { readonly value: T } | undefined;
  await keeping(path, () =>
    replaceFileAsync(
      path,
      async (file) => {
        await file.writeAsync(0, header);
        const described = { dtype, shape: dimensions, dataOffset: byteOffset(header.length) };
        const array = new NpyArray(file, described, { path, identity: 'new', writable: true });
        result = { value: await write(array) };
      },
      { size, signal },
    ),
  );
  if (result === undefined) throw new Error('unreachable: the file was written');
  return result.value;
}

/** Under another name, which `vgpu clean` knows, until it is complete. */
async function fresh<T>(
  { path, shape }: OutputFile,
  write: (output: StoredOutput) => Promise<T>,
): Promise<T> {
  const temporary = temporaryBeside(path);
  try {
    const value = await withArray(await created(temporary, shape), write);
    await keeping(path, () => rename(temporary, path));
    await flushFolder(path);
    return value;
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
}

/** Under its own name from the beginning, and uncommitted until the end. */
async function resumed<T>(
  { path, shape }: OutputFile,
  isNew: boolean,
  write: (output: StoredOutput) => Promise<T>,
): Promise<T> {
  if (isNew) await createUncommitted(path, shape);
  return withArray(await PersistentArray.open(path, { update: 'in-place', allowUncommitted: true }), write);
}

/** Whether an interrupted `--resume` left something that can go on: its record is beside the first output, and names all of them. */
export async function canResume(outputs: readonly string[]): Promise<boolean> {
  const [first] = outputs;
  if (first === undefined) return false;
  const record = await readFile(`${first}.progress`, 'utf8').catch(() => '');
  const [subject = ''] = record.split('\n', 1);
  if (subject === '') return false;
  const identities = await Promise.all(outputs.map(identityOf));
  return identities.every((identity) => identity !== undefined && subject.includes(JSON.stringify(identity)));
}

/** Undefined where there is no array. */
async function identityOf(path: string): Promise<string | undefined> {
  try {
    await using array = await PersistentArray.open(path, { allowUncommitted: true });
    return array.descriptor.payloadUuid;
  } catch {
    return undefined;
  }
}

async function createUncommitted(path: string, shape: Shape): Promise<void> {
  const temporary = temporaryBeside(path);
  const array = await created(temporary, shape);
  // Begun and not committed: whoever opens it is told that it is not finished.
  await array.begin();
  await array.close();
  await keeping(path, () => rename(temporary, path));
  await flushFolder(path);
}

async function created(path: string, { dtype, rows, columns }: Shape): Promise<PersistentArray> {
  const shape =
    columns === undefined
      ? ({ structure: 'vector', dtype, rows, columns: 1 } as const)
      : ({ structure: 'dense', dtype, rows, columns } as const);
  return PersistentArray.create(path, shape, { update: 'in-place' });
}

async function withArray<T>(array: PersistentArray, write: (output: StoredOutput) => Promise<T>): Promise<T> {
  try {
    return await write(array);
  } finally {
    await array.close();
  }
}

/** A file that somebody has open is not replaced. */
async function keeping(path: string, replace: () => Promise<void>): Promise<void> {
  const present = existsSync(path)
    ? await MappedFile.openAsync(path, { access: 'read-write', lock: 'exclusive' })
    : undefined;
  try {
    await replace();
  } finally {
    present?.close();
  }
}

function temporaryBeside(path: string): string {
  return join(dirname(resolve(path)), `vgpu-${process.pid}-${randomBytes(8).toString('hex')}.tmp`);
}

async function flushFolder(path: string): Promise<void> {
  const folder = await open(dirname(resolve(path)), 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}
