// Operations on disk with their pieces on a GPU: what they are on the CPU.
import type { Executor } from '@vgpu/executor';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type ComputeSession, createSession, type NumericArray } from '../../src/index.js';
import * as onDisk from '../../src/stored/index.js';
import { arrayOf } from '../support.js';
import { gpuDevice, startTestExecutor } from '../test-gpu.js';
import { contents, empty, stored } from './arrays.js';

// The guest library looks there when it connects: on a busy machine that may take a while.
process.env.VGPU_CONNECT_TIMEOUT_MS = '60000';

const limits = { memoryLimit: 2 ** 22 } as const;
let executor: Executor;
let cpu: ComputeSession;
let gpu: ComputeSession;

beforeAll(async () => {
  executor = await startTestExecutor();
  cpu = await createSession({ ...limits, device: 'cpu' });
  const isolated = { isolation: 'process', executor: executor.url, fallback: 'never' } as const;
  gpu = await createSession({ ...limits, ...isolated, device: 'gpu' });
});
afterAll(async () => {
  await gpu?.close();
  await cpu?.close();
  await executor?.stop();
});

const shape = { count: 150_000, seed: 7, offset: 0, shared: false, spread: 'many', special: false } as const;
const vector = (seed: number, type: 'f32' | 'u32' | 'i64' = 'f32') => arrayOf(type, { ...shape, seed });
/** Small whole numbers, whose products are exact in any order. */
const matrix = (rows: number, columns: number) =>
  Float32Array.from({ length: rows * columns }, (_, i) => (i * 7) % 11);
const [rows, inner, columns] = [300, 200, 100] as const;

type Made = Promise<onDisk.StoredResult<unknown>>;
interface Case {
  readonly inputs: readonly NumericArray[];
  /** How many columns the inputs have; vectors without. */
  readonly columns?: readonly number[];
  readonly outputs?: readonly (readonly [type: onDisk.StoredType, count: number, columns?: number])[];
  readonly run: (
    session: ComputeSession,
    inputs: readonly onDisk.StoredArray[],
    outputs: readonly onDisk.StoredOutput[],
  ) => Made;
}

type In = readonly onDisk.StoredArray[];
const at = <T>(all: readonly T[], index: number): T => {
  const each = all[index];
  if (each === undefined) throw new Error(`there is no array ${index}`);
  return each;
};
const reduction = (run: (session: ComputeSession, x: onDisk.StoredArray) => Made): Case => ({
  inputs: [vector(3)],
  run: (session, inputs) => run(session, at(inputs, 0)),
});
const written = (
  run: (session: ComputeSession, inputs: In, out: onDisk.StoredOutput) => Made,
  type: onDisk.StoredType = 'f32',
): Case => ({
  inputs: [vector(3), vector(4)],
  outputs: [[type, shape.count]],
  run: (session, inputs, outputs) => run(session, inputs, at(outputs, 0)),
});

const cases: Readonly<Record<Exclude<keyof typeof onDisk, 'default'>, Case>> = {
  sum: reduction(onDisk.sum),
  mean: reduction(onDisk.mean),
  min: reduction(onDisk.min),
  max: reduction(onDisk.max),
  norm: reduction(onDisk.norm),
  histogram: reduction((session, x) => onDisk.histogram(session, x, { bins: 9, min: -1e9, max: 1e9 })),
  topK: reduction((session, x) => onDisk.topK(session, x, 1000)),
  dot: {
    inputs: [vector(3), vector(4)],
    run: (session, inputs) => onDisk.dot(session, at(inputs, 0), at(inputs, 1)),
  },
  add: written((session, [x, y], out) => onDisk.add(session, x as never, y as never, out)),
  sub: written((session, [x, y], out) => onDisk.sub(session, x as never, y as never, out)),
  mul: written((session, [x, y], out) => onDisk.mul(session, x as never, y as never, out)),
  div: written((session, [x, y], out) => onDisk.div(session, x as never, y as never, out)),
  axpy: written((session, [x, y], out) => onDisk.axpy(session, 3, x as never, y as never, out)),
  scale: written((session, inputs, out) => onDisk.scale(session, at(inputs, 0), 3, out)),
  fill: written((session, _, out) => onDisk.fill(session, out, 3)),
  cast: written((session, inputs, out) => onDisk.cast(session, at(inputs, 0), out), 'f16'),
  sort: written((session, inputs, out) => onDisk.sort(session, at(inputs, 0), out)),
  sortPairs: {
    inputs: [vector(3, 'u32'), vector(4, 'i64')],
    outputs: [
      ['u32', shape.count],
      ['i64', shape.count],
    ],
    run: (session, inputs, outputs) => {
      const out = { keys: at(outputs, 0), values: at(outputs, 1) };
      return onDisk.sortPairs(session, at(inputs, 0), at(inputs, 1), out);
    },
  },
  matmul: {
    inputs: [matrix(rows, inner), matrix(inner, columns)],
    columns: [inner, columns],
    outputs: [['f32', rows * columns, columns]],
    run: (session, inputs, outputs) => onDisk.matmul(session, at(inputs, 0), at(inputs, 1), at(outputs, 0)),
  },
  matvec: {
    inputs: [matrix(rows, inner), matrix(inner, 1)],
    columns: [inner, 0],
    outputs: [['f32', rows]],
    run: (session, inputs, outputs) => onDisk.matvec(session, at(inputs, 0), at(inputs, 1), at(outputs, 0)),
  },
  nearestNeighbours: {
    inputs: [matrix(50, 8), matrix(4000, 8)],
    columns: [8, 8],
    outputs: [
      ['f32', 50 * 5, 5],
      ['u32', 50 * 5, 5],
    ],
    run: (session, inputs, outputs) => {
      const out = { distances: at(outputs, 0), indices: at(outputs, 1) };
      return onDisk.nearestNeighbours(session, at(inputs, 0), at(inputs, 1), 5, out);
    },
  },
};

test('has all operations', () => {
  expect(Object.keys(cases).sort()).toEqual(Object.keys(onDisk).sort());
});

test.each(Object.entries(cases))(
  '%s',
  { timeout: 120_000 },
  async (_name, { inputs, outputs = [], ...more }) => {
    const arrays = await Promise.all(
      inputs.map((data, i) => stored(data, { columns: more.columns?.[i] ?? 0 })),
    );
    const results = [];
    for (const session of [cpu, gpu]) {
      const made = await Promise.all(
        outputs.map(([type, count, width = 0]) => empty(type, count, { columns: width })),
      );
      const { value, device, calls } = await more.run(session, arrays, made);
      expect(device).toBe(session === gpu ? gpuDevice : 'cpu');
      expect(session === gpu ? calls.cpu : calls[gpuDevice]).toBe(0);
      results.push(made.length === 0 ? value : made.map(contents));
    }
    expect(results[1]).toEqual(results[0]);
  },
);
