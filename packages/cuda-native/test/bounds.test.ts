// What must never reach memory: more elements than there are, matrices beyond their arrays, outputs over inputs.
import { MessageChannel, receiveMessageOnPort } from 'node:worker_threads';
import { describe, expect, it } from 'vitest';
import { CapacityError, createSession, type ElementType, type NumericArray } from '../src/index.js';
import { native } from '../src/native.js';
import { rejection } from './support.js';

const session = await createSession({ device: 'cpu' });
const f32 = (count: number) => new Float32Array(count);
const u32 = (count: number) => new Uint32Array(count);

/** Every operation with a count, told to process one element more than one of its arrays has. */
const tooMany: Record<string, () => Promise<unknown>> = {
  sum: () => session.sum(f32(9), { count: 10 }),
  mean: () => session.mean(f32(9), { count: 10 }),
  min: () => session.min(f32(9), { count: 10 }),
  max: () => session.max(f32(9), { count: 10 }),
  norm: () => session.norm(f32(9), { count: 10 }),
  dot: () => session.dot(f32(10), f32(9)),
  add: () => session.add(f32(10), f32(9)),
  sub: () => session.sub(f32(10), f32(10), { out: f32(9) }),
  mul: () => session.mul(f32(10), f32(9), { count: 10 }),
  div: () => session.div(f32(10), f32(9)),
  scale: () => session.scale(f32(10), 2, { out: f32(9) }),
  axpy: () => session.axpy(2, f32(10), f32(9)),
  fill: () => session.fill(f32(9), 1, { count: 10 }),
  cast: () => session.cast(f32(10), 'i32', { out: new Int32Array(9) }),
  inclusiveScan: () => session.inclusiveScan(f32(9), { count: 10 }),
  exclusiveScan: () => session.exclusiveScan(f32(10), { out: f32(9) }),
  histogram: () => session.histogram(f32(9), { bins: 2, min: 0, max: 1, count: 10 }),
  sort: () => session.sort(f32(9), { count: 10 }),
  'sortPairs, keys': () => session.sortPairs(u32(9), u32(10), { count: 10 }),
  'sortPairs, values': () => session.sortPairs(u32(10), u32(9), { count: 10 }),
  'sortPairs, outKeys': () => session.sortPairs(u32(10), u32(10), { outKeys: u32(9) }),
  'sortPairs, outValues': () => session.sortPairs(u32(10), u32(10), { outValues: u32(9) }),
  argsort: () => session.argsort(f32(10), { out: u32(9) }),
  topK: () => session.topK(f32(9), 10),
  'cast to f16': () => session.cast(f32(10), 'f16', { out: new Uint16Array(9) }),
  'cast from f16': () => session.cast(new Uint16Array(9), 'f32', { count: 10 }),
  matmulBatch: () =>
    session.matmulBatch(
      { data: f32(9), rows: 1, columns: 1, count: 10 },
      { data: f32(10), rows: 1, columns: 1, count: 10 },
    ),
  'matvecBatch, the vectors': () =>
    session.matvecBatch({ data: f32(20), rows: 2, columns: 2, count: 5 }, f32(9)),
  'matvecBatch, out': () =>
    session.matvecBatch({ data: f32(20), rows: 2, columns: 2, count: 5 }, f32(10), { out: f32(9) }),
  solve: () =>
    session.solve({ data: f32(4), rows: 2, columns: 2 }, { data: f32(9), rows: 2, columns: 2, stride: 8 }),
  inverse: () => session.inverse({ data: f32(9), rows: 2, columns: 2, stride: 8 }),
  bitMatmul: () =>
    session.bitMatmul(
      { words: new BigUint64Array(9), rows: 2, columns: 128 },
      { words: new BigUint64Array(1024), rows: 128, columns: 2 },
    ),
  pairwiseDistance: () =>
    session.pairwiseDistance({ data: f32(9), rows: 5, columns: 2 }, { data: f32(10), rows: 5, columns: 2 }),
  'nearestNeighbours, points': () =>
    session.nearestNeighbours(
      { data: f32(10), rows: 5, columns: 2 },
      { data: f32(9), rows: 5, columns: 2 },
      1,
    ),
  'nearestNeighbours, k': () =>
    session.nearestNeighbours(
      { data: f32(4), rows: 2, columns: 2 },
      { data: f32(18), rows: 9, columns: 2 },
      10,
    ),
  spatialGrid: () =>
    session.spatialGrid(
      { data: f32(9), rows: 5, columns: 2 },
      { cellSize: 1, origin: [0, 0], cells: [1, 1] },
    ),
  'forceLayoutStep, positions': () => session.forceLayoutStep({ data: f32(9), rows: 5, columns: 2 }, u32(0)),
  matmul: () => session.matmul({ data: f32(9), rows: 5, columns: 2 }, { data: f32(6), rows: 2, columns: 3 }),
  'matmul, out': () =>
    session.matmul(
      { data: f32(10), rows: 5, columns: 2 },
      { data: f32(4), rows: 2, columns: 2 },
      { out: { data: f32(9), rows: 5, columns: 2 } },
    ),
  matvec: () => session.matvec({ data: f32(9), rows: 2, columns: 5 }, f32(5)),
  'matvec, x': () => session.matvec({ data: f32(20), rows: 2, columns: 10 }, f32(9)),
  'matvec, out': () => session.matvec({ data: f32(20), rows: 10, columns: 2 }, f32(2), { out: f32(9) }),
  transpose: () => session.transpose({ data: f32(9), rows: 2, columns: 5 }),
};

describe('more elements than an array has', () => {
  it.each(Object.entries(tooMany))('%s', async (_name, call) => {
    const error = await rejection(call());
    expect(error).toBeInstanceOf(RangeError);
    expect(error).toBeInstanceOf(CapacityError);
    expect(error).toMatchObject({
      code: 'ERR_VGPU_COMPUTE_CAPACITY',
      values: { count: 10, capacity: 9 },
    });
    expect(error.message).toMatch(/^10 elements of [\w.]+, which has 9$/);
  });

  it('is noticed for a matrix whose stride leads beyond its array', async () => {
    const a = { data: f32(99), rows: 10, columns: 5, stride: 10 };
    await session.transpose(a);
    const error = await rejection(session.transpose({ ...a, stride: 11 }));
    expect(error.values).toMatchObject({ count: 104, capacity: 99 });
  });
});

// A server sorted the particles of a layout every 15 seconds, by a count from before a resize: it died each time.
describe('a sort by a count that its buffers do not hold', () => {
  it.each([10_000, 1_000_000])(
    'is refused again and again, and the next one works (%i elements)',
    async (capacity) => {
      const [keys, values] = [u32(capacity).fill(1), u32(capacity).fill(2)];
      const [outKeys, outValues] = [u32(capacity).fill(3), u32(capacity).fill(4)];
      for (const count of [capacity + 1, 2 * capacity, 2 ** 32, Number.MAX_SAFE_INTEGER]) {
        const error = await rejection(session.sortPairs(keys, values, { count, outKeys, outValues }));
        expect(error).toMatchObject({ values: { count, capacity } });
      }
      expect(outKeys.every((key) => key === 3) && outValues.every((value) => value === 4)).toBe(true);
      const { value } = await session.sortPairs(keys, values, { outKeys, outValues });
      expect(value.keys.every((key) => key === 1) && value.values.every((each) => each === 2)).toBe(true);
    },
  );

  it('is refused below JavaScript, too', async () => {
    const start = [new Int32Array(1), 1e9] as const;
    const call = async (count: number) =>
      native().sortPairs(...start, u32(9), u32(9), false, u32(9), u32(9), count);
    for (const count of [10, 2 ** 32 + 1, Number.MAX_SAFE_INTEGER]) {
      await expect(call(count)).rejects.toMatchObject({ kind: 'capacity', first: count, second: 9 });
    }
    await expect(call(-1)).rejects.toThrow('not a non-negative safe integer');
    await expect(call(1.5)).rejects.toThrow(TypeError);
    expect((await call(9)).memoryBytes).toBe(9 * 8 * 2);
  });
});

describe('the addon by itself', () => {
  const stop = () => new Int32Array(1);
  // Calls throw at once or reject; both are rejections here.
  const raw = async (call: () => Promise<unknown>) => call();

  it('refuses arrays of other types', async () => {
    await expect(raw(() => native().sum(stop(), 1, new Int16Array(4) as never, 4))).rejects.toThrow(
      TypeError,
    );
    await expect(raw(() => native().sum(stop(), 1, [1, 2] as never, 2))).rejects.toThrow(TypeError);
    await expect(raw(() => native().sum(f32(1) as never, 1, f32(4), 4))).rejects.toThrow(TypeError);
    await expect(raw(() => native().add(stop(), 1, f32(4), u32(4), f32(4), 4))).rejects.toMatchObject({
      kind: 'argument',
    });
  });

  it('refuses overlaps that it sees by the address, though the buffers are two objects', async () => {
    const shared = new SharedArrayBuffer(400);
    const { port1, port2 } = new MessageChannel();
    port1.postMessage(shared);
    const again: SharedArrayBuffer = receiveMessageOnPort(port2)?.message;
    port1.close();
    expect(again).not.toBe(shared);
    const x = new Float32Array(shared, 0, 50);
    const error = await rejection(
      session.add(x, new Float32Array(new SharedArrayBuffer(200)), { out: new Float32Array(again, 4, 50) }),
    );
    expect(error.code).toBe('ERR_VGPU_COMPUTE_OVERLAP');
  });

  it('refuses matrices beyond their arrays', async () => {
    const data = f32(10);
    const call = (rows: number, columns: number, stride: number) =>
      raw(() => native().transpose(stop(), 1e9, data, rows, columns, stride, f32(100), columns, rows, rows));
    await expect(call(2, 6, 6)).rejects.toMatchObject({ kind: 'capacity', first: 12, second: 10 });
    await expect(call(2, 5, 4)).rejects.toMatchObject({ kind: 'argument' });
    await expect(call(2 ** 52, 5, 2 ** 52)).rejects.toMatchObject({ kind: 'argument' });
    await call(2, 5, 5);
  });
});

describe('outputs over inputs', () => {
  const memory = new ArrayBuffer(800);
  const x = new Float32Array(memory, 0, 100);
  const shifted = new Float32Array(memory, 4, 100);
  const overlap = { code: 'ERR_VGPU_COMPUTE_OVERLAP' };

  it('are refused where they are shifted', async () => {
    expect(await rejection(session.add(x, f32(100), { out: shifted }))).toMatchObject(overlap);
    expect(await rejection(session.add(f32(100), x, { out: shifted }))).toMatchObject(overlap);
    expect(await rejection(session.scale(x, 2, { out: shifted }))).toMatchObject(overlap);
    expect(await rejection(session.inclusiveScan(shifted, { out: x }))).toMatchObject(overlap);
    expect(await rejection(session.sort(x, { out: shifted }))).toMatchObject(overlap);
    expect(await rejection(session.cast(x, 'f64', { out: new Float64Array(memory, 0, 100) }))).toMatchObject(
      overlap,
    );
  });

  it('are fine beside each other in one buffer', async () => {
    await session.scale(x, 2, { out: new Float32Array(memory, 400, 100) });
    await session.scale(x, 2, { out: shifted, count: 1 });
  });

  it('are refused for matrices, even at the same place', async () => {
    const a = { data: x, rows: 10, columns: 10 };
    expect(await rejection(session.transpose(a, { out: a }))).toMatchObject(overlap);
    expect(await rejection(session.matvec(a, f32(10), { out: x }))).toMatchObject(overlap);
    expect(await rejection(session.matmul(a, a, { out: a }))).toMatchObject(overlap);
  });

  it('are refused where two outputs are the same', async () => {
    const [keys, values, out] = [u32(5), u32(5), u32(5)];
    expect(await rejection(session.sortPairs(keys, values, { outKeys: out, outValues: out }))).toMatchObject(
      overlap,
    );
  });
});

describe('memory that can become less while it is used', () => {
  /** TypeScript's library has it from ES2024 on. */
  const Resizable = ArrayBuffer as unknown as new (
    bytes: number,
    options: { readonly maxByteLength: number },
  ) => ArrayBuffer;
  const data = new Float32Array(new Resizable(400, { maxByteLength: 800 }));
  const halves = new Uint16Array(new Resizable(400, { maxByteLength: 800 }));
  const calls: Record<string, () => Promise<unknown>> = {
    'an input': () => session.sum(data),
    'an output': () => session.scale(f32(100), 2, { out: data }),
    'a matrix': () => session.transpose({ data, rows: 10, columns: 10 }),
    'f16 as input': () => session.cast(halves, 'f32'),
    'f16 as output': () => session.cast(f32(200), 'f16', { out: halves }),
  };

  it.each(Object.entries(calls))('is refused: %s', async (_name, call) => {
    const error = await rejection(call());
    expect(error.code).toBe('ERR_VGPU_COMPUTE_ARGUMENT');
    expect(error.remedy).toContain('SharedArrayBuffer');
  });
});

describe('arguments that make no sense', () => {
  const argument = { code: 'ERR_VGPU_COMPUTE_ARGUMENT' };
  const wrong: Record<string, () => Promise<unknown>> = {
    'no typed array': () => session.sum([1, 2] as unknown as Float32Array),
    'another typed array': () => session.sum(new Uint8Array(4) as unknown as NumericArray),
    'two types': () => session.add(f32(1), new Float64Array(1) as unknown as Float32Array),
    'two lengths': () => session.add(f32(1), f32(2)),
    'an output of another type': () => session.scale(f32(1), 2, { out: u32(1) as unknown as Float32Array }),
    'a negative count': () => session.sum(f32(4), { count: -1 }),
    'a fraction as count': () => session.sum(f32(4), { count: 1.5 }),
    'no elements': () => session.max(f32(0)),
    'a number for 64-bit integers': () => session.scale(new BigInt64Array(1), 2 as unknown as bigint),
    'a bigint that does not fit': () => session.fill(new BigInt64Array(1), 2n ** 63n),
    'a type that does not exist': () => session.cast(f32(1), 'f8' as ElementType),
    'a type from the prototype': () => session.cast(f32(1), 'toString' as ElementType as 'f32'),
    'no interval': () => session.histogram(f32(1), { bins: 1, min: 1, max: 1 }),
    'no bins': () => session.histogram(f32(1), { bins: 0, min: 0, max: 1 }),
    'products of 64-bit integers': () =>
      session.dot(new BigInt64Array(1) as never, new BigInt64Array(1) as never),
    'a system of integers': () =>
      session.inverse({ data: u32(4) as unknown as Float32Array, rows: 2, columns: 2 }),
    'matrices of two types': () =>
      session.matvec({ data: u32(4), rows: 2, columns: 2 }, new Int32Array(2) as unknown as Uint32Array),
    'matrices that do not fit': () =>
      session.matmul({ data: f32(6), rows: 2, columns: 3 }, { data: f32(6), rows: 2, columns: 3 }),
    'rows that overlap': () => session.transpose({ data: f32(9), rows: 2, columns: 3, stride: 2 }),
    'an output of another shape': () =>
      session.transpose(
        { data: f32(6), rows: 2, columns: 3 },
        { out: { data: f32(6), rows: 2, columns: 3 } },
      ),
  };

  it.each(Object.entries(wrong))('%s', async (_name, call) => {
    expect(await rejection(call())).toMatchObject(argument);
  });
});
