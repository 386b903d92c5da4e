// The nearest of points on disk, against the same in memory.
import { describe, expect, test } from 'vitest';
import { createSession, type Metric } from '../../src/index.js';
import * as onDisk from '../../src/stored/index.js';
import { random, rejection } from '../support.js';
import { empty, holds, stored, watched } from './arrays.js';

const memory = await createSession({ device: 'cpu' });
const limit = 5 * 2 ** 20;
const small = await createSession({ device: 'cpu', memoryLimit: limit });
const [queryCount, pointCount, columns, k] = [1500, 10_000, 6, 20];

/** Small whole numbers: distances are exact, and many are equal. */
function points(count: number, seed: number): Float64Array {
  const next = random(seed);
  return Float64Array.from({ length: count * columns }, () => next() % 9);
}

async function outputs(update: 'atomic' | 'in-place' = 'atomic') {
  return {
    distances: await empty('f64', queryCount * k, { columns: k, update }),
    indices: await empty('u32', queryCount * k, { columns: k, update }),
  };
}

const [x, y] = [points(queryCount, 1), points(pointCount, 2)];
y[7] = Number.NaN;

describe('nearestNeighbours', () => {
  test.each(['l2', 'dot'] as const)('%s', async (metric: Metric) => {
    const [queries, all] = [await stored(x, { columns }), await stored(y, { columns })];
    const out = await outputs();
    const result = await onDisk.nearestNeighbours(small, queries, all, k, out, { metric });
    const expected = await memory.nearestNeighbours(
      { data: x, rows: queryCount, columns },
      { data: y, rows: pointCount, columns },
      k,
      { metric },
    );
    expect(holds(out.distances, expected.value.distances.data)).toBe(true);
    expect(holds(out.indices, expected.value.indices.data)).toBe(true);
    expect(result.calls.cpu).toBeGreaterThan(10);
    expect(result.memoryBytes).toBeLessThanOrEqual(limit);
  });

  test('goes on where it was interrupted', async () => {
    const [queries, all] = [await stored(x, { columns }), await stored(y, { columns })];
    const out = await outputs('in-place');
    let flushes = 0;
    const indices = watched(out.indices, (call) => {
      if (call === 'flush') flushes += 1;
      if (flushes === 3) throw new Error('power cut');
    });
    const first = onDisk.nearestNeighbours(small, queries, all, k, { ...out, indices }, { resume: true });
    await expect(first).rejects.toThrow('power cut');
    const { PersistentArray } = await import('@vgpu/array');
    const again = [];
    for (const array of [out.distances, out.indices]) {
      await array.close();
      again.push(await PersistentArray.open(array.path, { update: 'in-place', allowUncommitted: true }));
    }
    const [distances, positions] = again;
    if (distances === undefined || positions === undefined) throw new Error('there are two');
    const whole = await onDisk.nearestNeighbours(small, queries, all, k, await outputs());
    const rest = await onDisk.nearestNeighbours(
      small,
      queries,
      all,
      k,
      { distances, indices: positions },
      { resume: true },
    );
    expect(rest.calls.cpu).toBeLessThan(whole.calls.cpu);
    expect(
      holds(distances, (whole.value.distances.elements(0, queryCount * k) as Float64Array).slice()),
    ).toBe(true);
    expect(holds(positions, (whole.value.indices.elements(0, queryCount * k) as Uint32Array).slice())).toBe(
      true,
    );
    for (const array of again) await array.close();
  });

  test('refuses shapes and limits that do not do', async () => {
    const queries = await stored(new Float64Array(12), { columns });
    const out = await outputs();
    expect(await rejection(onDisk.nearestNeighbours(memory, queries, queries, 3, out))).toMatchObject({
      code: 'ERR_VGPU_COMPUTE_CAPACITY',
      values: { array: 'points', count: 3, capacity: 2 },
    });
    expect((await rejection(onDisk.nearestNeighbours(memory, queries, queries, 2, out))).code).toBe(
      'ERR_VGPU_COMPUTE_ARGUMENT',
    );
    const tight = await createSession({ device: 'cpu', memoryLimit: 2 ** 20 });
    const fitting = {
      distances: await empty('f64', 2, { columns: 1 }),
      indices: await empty('u32', 2, { columns: 1 }),
    };
    expect((await rejection(onDisk.nearestNeighbours(tight, queries, queries, 1, fitting))).code).toBe(
      'ERR_VGPU_COMPUTE_MEMORY_LIMIT',
    );
  });
});
