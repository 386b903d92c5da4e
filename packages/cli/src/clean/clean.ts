// `vgpu clean`: what counts as stale, and the care it takes to remove it, is @vgpu/mmap-native's.
import { statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { resolve } from 'node:path';
import { cleanStaleFilesAsync, type StaleFile } from '@vgpu/mmap-native';
import { CliError } from '../errors.js';
import { fileError } from '../file/paths.js';
import { formatBytes } from '../output/bytes.js';
import type { Context, Outcome } from '../output/command.js';
import { errorDocument } from '../output/json.js';

interface CleanOptions {
  readonly dryRun?: boolean | undefined;
}

export async function clean(
  folder: string | undefined,
  { dryRun = false }: CleanOptions,
  { signal, progress }: Context,
): Promise<Outcome> {
  const directory = resolve(folder ?? tmpdir());
  checkFolder(directory);
  const files = await progress.during(`looking through ${directory}`, () =>
    cleanStaleFilesAsync(directory, { dryRun, signal }),
  );
  const gone = files.filter(({ removed, reason }) => (dryRun ? reason === 'dry-run' : removed));
  const kept = files.filter((file) => !gone.includes(file));
  const bytes = gone.reduce((sum, file) => sum + file.bytes, 0);
  return {
    document: { directory, dryRun, bytes, files: files.map(toDocument) },
    text: [
      ...gone.map(
        (file) => `${dryRun ? 'would remove' : 'removed'} ${file.path} (${formatBytes(file.bytes)})`,
      ),
      ...kept.map((file) => `kept ${file.path} (${file.reason ?? 'not stale'})`),
      `${dryRun ? 'would free' : 'freed'} ${formatBytes(bytes)} in ${directory}: ${gone.length} files`,
    ].join('\n'),
  };
}

function toDocument({ error, ...file }: StaleFile): object {
  return error === undefined ? file : { ...file, error: errorDocument(error) };
}

function checkFolder(path: string): void {
  try {
    if (statSync(path).isDirectory()) return;
  } catch (error) {
    throw fileError(path, error);
  }
  throw new CliError('ERR_VGPU_NOT_A_FOLDER', `${path} is no folder`, {
    remedy: 'give the path of a folder',
  });
}
