// Grids and steps of layouts, against loops in JavaScript.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CapacityError, createSession, type FloatArray, type Matrix } from '../src/index.js';
import { native } from '../src/native.js';
import { at } from './matrices.js';
import { random, rejection } from './support.js';

const session = await createSession({ device: 'cpu' });

function pointsOf(
  double: boolean,
  count: number,
  axes: number,
  seed: number,
  spread = 10,
): Matrix<FloatArray> {
  const next = random(seed);
  const data = double ? new Float64Array(count * axes) : new Float32Array(count * axes);
  for (let i = 0; i < data.length; i++) data[i] = ((next() % 4096) / 4096) * spread - 1;
  return { data, rows: count, columns: axes };
}

const input = fc.record({
  count: fc.oneof(fc.constantFrom(0, 1, 2, 33), fc.integer({ min: 1, max: 400 })),
  axes: fc.constantFrom(2, 3),
  double: fc.boolean(),
  seed: fc.integer({ min: 1 }),
});

describe('spatialGrid', () => {
  it('puts every point into its cell, in the order of points', () =>
    fc.assert(
      fc.asyncProperty(input, async ({ count, axes, double, seed }) => {
        const points = pointsOf(double, count, axes, seed);
        const cells = [4, 3, 5].slice(0, axes);
        const grid = { cellSize: 1.5, origin: Array(axes).fill(0), cells };
        const { starts, items } = (await session.spatialGrid(points, grid)).value;
        const expected: number[][] = Array.from({ length: cells.reduce((a, b) => a * b) }, () => []);
        for (let i = 0; i < count; i++) {
          let [cell, size] = [0, 1];
          cells.forEach((number, axis) => {
            cell += size * Math.min(Math.max(Math.floor(at(points, i, axis) / 1.5), 0), number - 1);
            size *= number;
          });
          expected[cell]?.push(i);
        }
        expect(starts.length).toBe(expected.length + 1);
        expect(expected.map((_, cell) => [...items.subarray(starts[cell], starts[cell + 1])])).toEqual(
          expected,
        );
      }),
      { numRuns: 60 },
    ));

  it('counts what is nowhere for cells at the border', async () => {
    const data = new Float64Array([Number.NaN, 0.5, Infinity, 5, -Infinity, -5, 1e300, -1e300]);
    const options = { cellSize: 1, origin: [0, 0], cells: [2, 2] };
    const { value } = await session.spatialGrid({ data, rows: 4, columns: 2 }, options);
    expect([...value.starts]).toEqual([0, 2, 3, 3, 4]);
    expect([...value.items]).toEqual([0, 2, 3, 1]);
  });

  const wrong = {
    'no size': { cellSize: 0, origin: [0, 0], cells: [1, 1] },
    'an axis too many': { cellSize: 1, origin: [0, 0, 0], cells: [1, 1, 1] },
    'no cells': { cellSize: 1, origin: [0, 0], cells: [1, 0] },
    'a part of a cell': { cellSize: 1, origin: [0, 0], cells: [1, 1.5] },
    'no origin': { cellSize: 1, origin: [0, Number.NaN], cells: [1, 1] },
    'too many cells': { cellSize: 1, origin: [0, 0], cells: [2 ** 16, 2 ** 16] },
  };
  it.each(Object.entries(wrong))('refuses a grid of %s', async (_name, options) => {
    const points = pointsOf(false, 4, 2, 1);
    expect(await rejection(session.spatialGrid(points, options))).toMatchObject({
      code: 'ERR_VGPU_COMPUTE_ARGUMENT',
    });
  });

  it('is refused below JavaScript where its outputs are too short', async () => {
    const call = async (starts: number, items: number, cells: number) =>
      native().spatialGrid(
        ...([new Int32Array(1), 1e9, new Float32Array(8), 4, 2, 2, 1, new Float64Array(3)] as const),
        new Uint32Array([cells, 2, 1]),
        ...([new Uint32Array(starts), new Uint32Array(items)] as const),
      );
    await expect(call(6, 4, 3)).rejects.toMatchObject({ kind: 'capacity', first: 7, second: 6 });
    await expect(call(7, 3, 3)).rejects.toMatchObject({ kind: 'capacity', first: 4, second: 3 });
    await expect(call(7, 4, 0)).rejects.toMatchObject({ kind: 'argument' });
    await call(7, 4, 3);
  });
});

const forces = { repulsion: 0.7, radius: 1.5, stiffness: 0.4, springLength: 0.9, step: 0.2, maxMove: 0.5 };

/** All pairs of nodes. */
function stepOf(positions: Matrix<FloatArray>, edges: Uint32Array): number[] {
  const result: number[] = [];
  const place = (node: number) =>
    [0, 1, 2].map((axis) => (axis < positions.columns ? at(positions, node, axis) : 0));
  for (let node = 0; node < positions.rows; node++) {
    const here = place(node);
    const force = [0, 0, 0];
    const add = (there: number[], scale: (distance: number) => number) => {
      const way = here.map((each, axis) => each - (there[axis] ?? 0));
      const factor = scale(Math.hypot(...way));
      way.forEach((each, axis) => {
        force[axis] = (force[axis] ?? 0) + each * factor;
      });
    };
    for (let other = 0; other < positions.rows; other++) {
      if (other !== node) add(place(other), (d) => (d > forces.radius ? 0 : forces.repulsion / d ** 2));
    }
    edges.forEach((end, index) => {
      const other = edges[index ^ 1] ?? 0;
      if (end !== node || other === node) return;
      add(place(other), (d) => (forces.stiffness * (forces.springLength - d)) / d);
    });
    const length = Math.hypot(...force) * forces.step;
    const scale = length > forces.maxMove ? (forces.step * forces.maxMove) / length : forces.step;
    for (let axis = 0; axis < positions.columns; axis++) {
      result.push((here[axis] ?? 0) + scale * (force[axis] ?? 0));
    }
  }
  return result;
}

/** No two at one place: what becomes of those is tested by itself. For less than 1009 points, which is a prime number. */
function distinct(points: Matrix<FloatArray>): Matrix<FloatArray> {
  for (let i = 0; i < points.rows; i++) points.data[i * points.columns] = (((i * 619) % 1009) * 5) / 512;
  return points;
}

describe('forceLayoutStep', () => {
  it('is a loop over all pairs, and the same bits every time', () =>
    fc.assert(
      fc.asyncProperty(input, async ({ count, axes, double, seed }) => {
        const positions = distinct(pointsOf(double, count, axes, seed));
        const next = random(seed + 1);
        const edges = Uint32Array.from({ length: count === 0 ? 0 : 2 * (count % 50) }, () => next() % count);
        const { value } = await session.forceLayoutStep(positions, edges, forces);
        const again = await session.forceLayoutStep(positions, edges, forces);
        expect(again.value.data).toEqual(value.data);
        const expected = stepOf(positions, edges);
        expected.forEach((each, i) => {
          expect(Math.abs((value.data[i] ?? Number.NaN) - each)).toBeLessThan(double ? 1e-9 : 1e-4);
        });
      }),
      { numRuns: 40 },
    ));

  it('drives nodes at one place apart', async () => {
    const positions = { data: new Float64Array([2, 2, 2, 2]), rows: 2, columns: 2 };
    const { value } = await session.forceLayoutStep(positions, new Uint32Array(0), { maxMove: 0.25 });
    expect([...value.data]).toEqual([2.25, 2, 1.75, 2]);
  });

  it('looks at all nodes where they are far apart beside the radius', async () => {
    const positions = { data: new Float64Array([0, 0, 1e12, 0, 1e12 + 1, 0]), rows: 3, columns: 2 };
    const { value } = await session.forceLayoutStep(positions, new Uint32Array(0), { step: 0.5, radius: 2 });
    expect([...value.data]).toEqual([0, 0, 1e12 - 0.5, 0, 1e12 + 1.5, 0]);
  });

  it('refuses edges to nodes that do not exist, before anything is written', async () => {
    const positions = pointsOf(false, 5, 2, 1);
    const out = { data: new Float32Array(10).fill(7), rows: 5, columns: 2 };
    for (const node of [5, 6, 2 ** 32 - 1]) {
      const error = await rejection(
        session.forceLayoutStep(positions, new Uint32Array([0, 1, 2, node]), { out }),
      );
      expect(error).toBeInstanceOf(CapacityError);
      expect(error).toMatchObject({ values: { count: node + 1, capacity: 5 } });
      expect(error.message).toBe(`edge 1 ends at node ${node}, and there are 5`);
    }
    expect(out.data.every((each) => each === 7)).toBe(true);
  });

  it('refuses what is no layout', async () => {
    const argument = { code: 'ERR_VGPU_COMPUTE_ARGUMENT' };
    const positions = pointsOf(false, 5, 2, 1);
    const none = new Uint32Array(0);
    const call = (options: object) => rejection(session.forceLayoutStep(positions, none, options));
    expect(await call({ radius: 0 })).toMatchObject(argument);
    expect(await call({ maxMove: -1 })).toMatchObject(argument);
    expect(await call({ repulsion: Number.NaN })).toMatchObject(argument);
    expect(await rejection(session.forceLayoutStep(positions, new Uint32Array(3)))).toMatchObject(argument);
    expect(await rejection(session.forceLayoutStep(pointsOf(false, 5, 4, 1), none))).toMatchObject(argument);
    const lost = { data: new Float32Array([0, 0, 0, Number.NaN]), rows: 2, columns: 2 };
    const error = await rejection(session.forceLayoutStep(lost, none));
    expect(error).toMatchObject({ ...argument, message: 'the position of node 1 is not finite' });
  });
});
