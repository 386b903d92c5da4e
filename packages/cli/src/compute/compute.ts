// `vgpu compute`: one operation on arrays in files.
import { PersistentArray } from '@vgpu/array';
import { type ComputeSession, createSession } from '@vgpu/cuda-native';
import type { ResumeOptions, StoredArray } from '@vgpu/cuda-native/stored';
import type { Telemetry } from '@vgpu/resilience';
import { CliError } from '../errors.js';
import { checkInput, checkOutput, namingFile, placeOf } from '../file/paths.js';
import { nearest } from '../nearest.js';
import { formatBytes, formatCount } from '../output/bytes.js';
import type { Context, Outcome } from '../output/command.js';
import { progressBar } from '../output/progress-bar.js';
import { NpyArray } from './npy-array.js';
import {
  type Computed,
  dimensionsOf,
  flagNames,
  type Operation,
  type OperationFlags,
  type Shape,
} from './operation.js';
import { operations } from './operations.js';
import { canResume, type OutputFile, withOutputs } from './outputs.js';

export interface ComputeOptions extends OperationFlags {
  readonly output?: readonly string[] | undefined;
  readonly device: 'auto' | 'gpu' | 'cpu';
  readonly memoryLimit?: number | undefined;
  readonly resume?: boolean | undefined;
  readonly force?: boolean | undefined;
  readonly telemetry?: boolean | undefined;
}

export async function compute(
  name: string,
  paths: readonly string[],
  options: ComputeOptions,
  context: Context,
): Promise<Outcome> {
  const operation = Object.hasOwn(operations, name) ? operations[name] : undefined;
  if (operation === undefined) {
    throw new CliError('ERR_VGPU_USAGE', `there is no operation ${name}`, {
      remedy: [
        ...nearest(name, Object.keys(operations)).map((each) => `did you mean ${each}? `),
        `choose one of ${Object.keys(operations).join(', ')}`,
      ].join(''),
    });
  }
  const goesOn = options.resume === true && (await canResume(options.output ?? []));
  const outputs = checkUsage(name, operation, paths, options, goesOn);
  const closing: (() => Promise<unknown>)[] = [];
  try {
    const telemetry = options.telemetry === true ? await openTelemetry(closing) : undefined;
    const session = await createSession({
      device: options.device,
      // Where it ran is said at the end, in any case.
      log: (line, level) => (level === 'warn' ? context.say(line) : undefined),
      ...(options.memoryLimit !== undefined && { memoryLimit: options.memoryLimit }),
      ...(telemetry && { telemetry }),
    });
    closing.push(() => session.close());
    const inputs: StoredArray[] = [];
    for (const path of paths) inputs.push(await openInput(path, operation.dimensions ?? 2, closing));
    const work = { name, operation, paths, outputs, options, goesOn };
    return await computeWith(work, session, inputs, context);
  } finally {
    await closeAll(closing.reverse());
  }
}

/** One after the other, each of them even where one before it fails; then throws what the first one threw. */
async function closeAll(closing: readonly (() => Promise<unknown>)[]): Promise<void> {
  const errors: unknown[] = [];
  for (const close of closing) await close().catch((error: unknown) => errors.push(error));
  if (errors.length > 0) throw errors[0];
}

interface Work {
  readonly name: string;
  readonly operation: Operation;
  readonly paths: readonly string[];
  readonly outputs: readonly string[];
  readonly options: ComputeOptions;
  /** An operation that was interrupted. */
  readonly goesOn: boolean;
}

async function computeWith(
  work: Work,
  session: ComputeSession,
  inputs: readonly StoredArray[],
  { signal, progress, say }: Context,
): Promise<Outcome> {
  const { name, operation, outputs, options, goesOn } = work;
  const { resume = false } = options;
  const shapes = operation.shapes(inputs, options);
  const files = shapes.map((shape, index) => outputFile(outputs[index] ?? '', shape));
  const started = performance.now();
  const result = await progress.during(`computing ${name}`, (detail) => {
    const bar = progressBar();
    const streaming: ResumeOptions = {
      signal,
      onProgress: (done, total) => detail(bar(done, total)),
      ...(resume && { resume }),
    };
    return withOutputs(files, { resume, isNew: !goesOn, signal }, (targets) =>
      operation.run({ session, inputs, outputs: targets, flags: options, options: streaming }),
    );
  });
  const { device, reason } = result;
  say(`computed on the ${deviceNames[device]}${reason === null ? '' : ` (${reason.name})`}`);
  return outcomeOf(work, files, result, (performance.now() - started) / 1000);
}

/** Only .npy has a third dimension. */
function outputFile(path: string, { matrices, ...shape }: Shape): OutputFile {
  const isNpy = path.endsWith('.npy');
  return { path, shape: { ...shape, ...(isNpy && matrices !== undefined && { matrices }) } };
}

async function openInput(
  path: string,
  dimensions: 2 | 3,
  closing: (() => Promise<unknown>)[],
): Promise<StoredArray> {
  const array = await namingFile<NpyArray | PersistentArray>(path, () =>
    path.endsWith('.npy') ? NpyArray.open(path, dimensions) : PersistentArray.open(path),
  );
  closing.push(() => array.close());
  return array;
}

async function openTelemetry(closing: (() => Promise<unknown>)[]): Promise<Telemetry> {
  const { fileTelemetry } = await import('@vgpu/resilience/node');
  const telemetry = await fileTelemetry('compute');
  closing.push(() => telemetry.close());
  return telemetry;
}

/** The paths of the outputs. @throws CliError */
function checkUsage(
  name: string,
  operation: Operation,
  paths: readonly string[],
  { output: outputs = [], force = false, resume = false, ...flags }: ComputeOptions,
  goesOn: boolean,
): readonly string[] {
  const { inputs: wanted } = operation;
  if (paths.length !== wanted) throw usage(`${name} takes ${wanted} input(s), not ${paths.length}`);
  if (outputs.length !== operation.outputs) {
    throw usage(`${name} has ${operation.outputs} output(s) (-o), not ${outputs.length}`);
  }
  if (resume && operation.resumable !== true) {
    const can = Object.keys(operations).filter((each) => operations[each]?.resumable === true);
    throw usage(`${name} cannot be resumed, only ${can.join(', ')}`);
  }
  for (const [flag, option] of Object.entries(flagNames) as [keyof OperationFlags, string][]) {
    if (flags[flag] !== undefined && operation.flags?.includes(flag) !== true) {
      throw usage(`${name} has no ${option}`);
    }
  }
  for (const path of paths) checkInput(path);
  for (const path of outputs) {
    for (const input of paths) checkOutput(path, { force: true, input });
    checkOutput(path, { force: force || goesOn });
  }
  if (new Set(outputs.map(placeOf)).size !== outputs.length)
    throw usage('the outputs are one and the same file');
  return outputs;
}

function usage(message: string): CliError {
  return new CliError('ERR_VGPU_USAGE', message, { remedy: 'see vgpu compute --help' });
}

function outcomeOf(
  { name, paths }: Work,
  files: readonly OutputFile[],
  result: Computed,
  seconds: number,
): Outcome {
  const { value, device, reason, attempts, calls, memoryBytes } = result;
  const lines = files.length > 0 ? files.map(wrote) : printed(name, value);
  return {
    document: {
      operation: name,
      inputs: paths,
      outputs: files,
      ...(files.length === 0 && { value: documented(value) }),
      device,
      reason: reason && { kind: reason.kind, name: reason.name, code: reason.code },
      attempts,
      ...(calls && { calls }),
      ...(memoryBytes !== undefined && { memoryBytes }),
      seconds,
    },
    text: lines.join('\n'),
  };
}

const deviceNames = { gpu: 'GPU', 'software-gpu': 'software GPU', cpu: 'CPU' } as const;

function wrote({ path, shape }: OutputFile): string {
  const { dtype, rows, columns = 1 } = shape;
  const bytes = (rows * columns * Number(dtype.slice(1))) / 8;
  return `wrote ${path}: ${dimensionsOf(shape).map(formatCount).join(' x ')} ${dtype}, ${formatBytes(bytes)}`;
}

type TopK = { readonly values: ArrayLike<number | bigint>; readonly indices: ArrayLike<number> };

/** A line for each number of a list, behind it the index. */
function printed(name: string, value: unknown): string[] {
  if (name === 'top-k') {
    const { values, indices } = value as TopK;
    return Array.from(values, (each, i) => `${each}\t${indices[i]}`);
  }
  return ArrayBuffer.isView(value) ? Array.from(value as Float64Array, String) : [String(value)];
}

/** Typed arrays as lists. */
function documented(value: unknown): unknown {
  if (ArrayBuffer.isView(value)) return Array.from(value as Float64Array);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, documented(each)]));
}
