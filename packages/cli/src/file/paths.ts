// The files that a command reads and writes, looked at before any work begins.
import { accessSync, constants, realpathSync, type Stats, statSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { isFormatError } from '@vgpu/format';
import { CliError } from '../errors.js';

/** @throws CliError unless `path` is a regular file that can be read. */
export function checkInput(path: string): Stats {
  try {
    const stats = statSync(path);
    if (!stats.isFile()) throw notAFile(path, stats);
    accessSync(path, constants.R_OK);
    return stats;
  } catch (error) {
    throw error instanceof CliError ? error : fileError(path, error);
  }
}

/** @throws CliError when something is at `path`, unless `force` allows to replace it, or its folder is missing. */
export function checkOutput(path: string, { force, input }: { force: boolean; input?: string }): void {
  const present = statOrNothing(path);
  if (present === undefined) {
    const folder = dirname(resolve(path));
    if (statOrNothing(folder)?.isDirectory() !== true) {
      throw new CliError('ERR_VGPU_FILE_NOT_FOUND', `there is no folder ${folder}`, {
        remedy: `create it first: mkdir -p ${folder}`,
      });
    }
    return;
  }
  if (!present.isFile()) throw notAFile(path, present);
  const source = input === undefined ? undefined : statOrNothing(input);
  if (source?.ino === present.ino && source.dev === present.dev) {
    throw new CliError('ERR_VGPU_OUTPUT_IS_INPUT', `${path} is both input and output`, {
      remedy: 'write to another file, and rename it afterwards',
    });
  }
  if (!force) {
    throw new CliError('ERR_VGPU_OUTPUT_EXISTS', `${path} is there already`, {
      remedy: 'add --force to replace it, or choose another name',
    });
  }
}

/** The same for two paths of one file, whether it is there or not. @throws CliError without a folder for it */
export function placeOf(path: string): string {
  const present = statOrNothing(path);
  if (present !== undefined) return `${present.dev}:${present.ino}`;
  const whole = resolve(path);
  try {
    return join(realpathSync(dirname(whole)), basename(whole));
  } catch (error) {
    throw fileError(dirname(whole), error);
  }
}

function statOrNothing(path: string): Stats | undefined {
  try {
    return statSync(path, { throwIfNoEntry: false });
  } catch (error) {
    throw fileError(path, error);
  }
}

function notAFile(path: string, stats: Stats): CliError {
  return new CliError(
    'ERR_VGPU_NOT_A_FILE',
    `${path} is ${stats.isDirectory() ? 'a folder' : 'no regular file'}`,
    {
      remedy: 'give the path of a file',
    },
  );
}

/** What `work` finds wrong inside the file at `path`, with its name in the message. */
export async function namingFile<T>(path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (isFormatError(error) && !error.message.includes(path)) error.message = `${path}: ${error.message}`;
    throw error;
  }
}

/** An error of Node's file functions in words. */
export function fileError(path: string, error: unknown): unknown {
  if (!(error instanceof Error)) return error;
  const { code } = error as NodeJS.ErrnoException;
  switch (code) {
    case 'ENOENT':
    case 'ENOTDIR':
      return new CliError('ERR_VGPU_FILE_NOT_FOUND', `there is no file ${path || '""'}`, {
        remedy: 'check the path',
      });
    case 'EACCES':
    case 'EPERM':
    case 'EROFS':
      return new CliError('ERR_VGPU_FILE_ACCESS', `no permission for ${path}`, {
        remedy: 'look at the permissions of the file and of its folders: ls -ld',
      });
    case 'ENOSPC':
    case 'EDQUOT':
      return new CliError('ERR_VGPU_NO_SPACE', `no space left for ${path}`, { remedy: 'free disk space' });
    case undefined:
      return error;
    default:
      return new CliError('ERR_VGPU_FILE_IO', `${path}: ${error.message}`, { cause: error });
  }
}
