// `vgpu file create`.
import { PersistentArray } from '@vgpu/array';
import { formatBytes } from '../output/bytes.js';
import type { Context, Outcome } from '../output/command.js';
import { progressBar } from '../output/progress-bar.js';
import { describeArray } from './describe.js';
import { type Fill, fillValues } from './fill.js';
import { checkOutput } from './paths.js';
import { describeShape, type ShapeOptions } from './shape.js';

export interface CreateOptions extends ShapeOptions {
  readonly fill?: Fill | undefined;
  readonly force?: boolean | undefined;
  readonly sparse?: boolean | undefined;
}

export async function create(
  path: string,
  options: CreateOptions,
  { signal, progress }: Context,
): Promise<Outcome> {
  const { force = false, sparse = false, fill = { kind: 'zero' } } = options;
  const descriptor = describeShape(options);
  const values = fillValues(descriptor, fill);
  checkOutput(path, { force });
  return progress.during(`creating ${path}`, async (detail) => {
    const bar = progressBar();
    await using array = await PersistentArray.create(path, descriptor, {
      ...(values && { values }),
      replace: force,
      reserve: !sparse,
      signal,
      onProgress: (done, total) => detail(bar(done, total)),
    });
    return writtenOutcome(path, array);
  });
}

/** What every command that writes an array says about it. */
export function writtenOutcome(
  path: string,
  { descriptor, layout }: Pick<PersistentArray, 'descriptor' | 'layout'>,
  more: object = {},
): Outcome {
  return {
    document: { path, array: descriptor, payloadBytes: layout.byteLength, ...more },
    text: `wrote ${path}: ${describeArray(descriptor)}, ${formatBytes(layout.byteLength)}`,
  };
}
