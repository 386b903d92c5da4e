// `vgpu file import` and `vgpu file export`: from and to NumPy's .npy.
import { statSync } from 'node:fs';
import { exportNpy, importNpy, PersistentArray } from '@vgpu/array';
import type { Assumption } from '@vgpu/format';
import { formatBytes } from '../output/bytes.js';
import type { Context, Outcome } from '../output/command.js';
import { progressBar } from '../output/progress-bar.js';
import { writtenOutcome } from './create.js';
import { describeArray } from './describe.js';
import { checkInput, checkOutput, namingFile } from './paths.js';

export interface ImportOptions {
  readonly force?: boolean | undefined;
}

export async function importFile(
  input: string,
  output: string,
  { force = false }: ImportOptions,
  { signal, progress }: Context,
): Promise<Outcome> {
  checkInput(input);
  checkOutput(output, { force, input });
  return progress.during(`importing ${input}`, async (detail) => {
    const bar = progressBar();
    await using array = await namingFile(input, () =>
      importNpy(input, output, {
        replace: force,
        signal,
        onProgress: (done, total) => detail(bar(done, total)),
      }),
    );
    return writtenOutcome(output, array, { input });
  });
}

export interface ExportOptions {
  readonly force?: boolean | undefined;
  readonly assume?: Assumption | undefined;
  readonly allowUncommitted?: boolean | undefined;
}

export async function exportFile(
  input: string,
  output: string,
  { force = false, assume, allowUncommitted = false }: ExportOptions,
  { signal, progress }: Context,
): Promise<Outcome> {
  checkInput(input);
  checkOutput(output, { force, input });
  return progress.during(`exporting ${input}`, async (detail) => {
    const bar = progressBar();
    await using array = await namingFile(input, () =>
      PersistentArray.open(input, { allowUncommitted, ...(assume && { assume }) }),
    );
    await exportNpy(array, output, {
      replace: force,
      signal,
      onProgress: (done, total) => detail(bar(done, total)),
    });
    const bytes = statSync(output).size;
    return {
      document: { input, path: output, array: array.descriptor, bytes, warnings: array.warnings },
      text: `wrote ${output}: the values of ${describeArray(array.descriptor)}, ${formatBytes(bytes)}`,
    };
  });
}
