// Distances and nearest neighbours, against loops in JavaScript.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createSession, type FloatArray, type Matrix, type Metric } from '../src/index.js';
import { native } from '../src/native.js';
import { at, matrixOf } from './matrices.js';
import { random, rejection } from './support.js';

const session = await createSession({ device: 'cpu' });
const metrics: readonly Metric[] = ['l2', 'cosine', 'dot'];

function distance(
  metric: Metric,
  x: Matrix<FloatArray>,
  i: number,
  y: Matrix<FloatArray>,
  j: number,
): number {
  let [dot, squares, ofX, ofY] = [0, 0, 0, 0];
  for (let k = 0; k < x.columns; k++) {
    const [left, right] = [at(x, i, k), at(y, j, k)];
    dot += left * right;
    squares += (left - right) ** 2;
    ofX += left * left;
    ofY += right * right;
  }
  if (metric === 'l2') return Math.sqrt(squares);
  if (metric === 'dot') return -dot;
  const lengths = Math.sqrt(ofX) * Math.sqrt(ofY);
  return lengths === 0 ? 1 : 1 - dot / lengths;
}

function squareOf(x: Matrix<FloatArray>, i: number): number {
  let sum = 0;
  for (let k = 0; k < x.columns; k++) sum += at(x, i, k) ** 2;
  return sum;
}

/** As documented: nearest first, of equally near ones those that come first. */
function nearest(
  metric: Metric,
  x: Matrix<FloatArray>,
  i: number,
  y: Matrix<FloatArray>,
  k: number,
): number[] {
  const all = Array.from({ length: y.rows }, (_, j) => ({ j, d: distance(metric, x, i, y, j) }));
  all.sort((one, other) => one.d - other.d || one.j - other.j);
  return all.slice(0, k).map(({ j }) => j);
}

const shape = fc.record({
  queries: fc.oneof(fc.constantFrom(0, 1), fc.integer({ min: 1, max: 20 })),
  points: fc.oneof(fc.constantFrom(0, 1), fc.integer({ min: 1, max: 120 })),
  columns: fc.oneof(fc.constantFrom(0, 1, 2, 3), fc.integer({ min: 1, max: 40 })),
  gap: fc.integer({ min: 0, max: 2 }),
  double: fc.boolean(),
  seed: fc.integer({ min: 1 }),
});

describe.each(metrics)('pairwiseDistance, %s', (metric) => {
  it('is a loop over all pairs', () =>
    fc.assert(
      fc.asyncProperty(shape, async ({ queries, points, columns, gap, double, seed }) => {
        const x = matrixOf(double, queries, columns, gap, seed);
        const y = matrixOf(double, points, columns, 2 - gap, seed + 1);
        const { value } = await session.pairwiseDistance(x, y, { metric });
        const unit = double ? 2 ** -53 : 2 ** -24;
        for (let i = 0; i < queries; i++) {
          for (let j = 0; j < points; j++) {
            const expected = distance(metric, x, i, y, j);
            // The square of a Euclidean distance has the error of the squares that it is a difference of.
            const squares = squareOf(x, i) + squareOf(y, j) || 1;
            const scale =
              metric === 'l2' ? squares / Math.max(expected, Math.sqrt(squares) / 16) : squares + 1;
            const bound = 4 * (columns + 8) * unit * scale;
            expect(Math.abs(at(value, i, j) - expected)).toBeLessThanOrEqual(bound);
          }
        }
      }),
      { numRuns: 40 },
    ));
});

/** Points so far from the origin that products say nothing about how near they are to each other. */
function farAway(count: number): Matrix<FloatArray> {
  const next = random(9);
  const data = Float32Array.from({ length: 3 * count }, () => 1e4 + (next() % 1000) / 512);
  return { data, rows: count, columns: 3 };
}

describe('pairwiseDistance', () => {
  it('keeps its accuracy where points are near each other, and is 0 for the same point', async () => {
    const x = farAway(50);
    const { value } = await session.pairwiseDistance(x, x);
    for (let i = 0; i < 50; i++) {
      expect(at(value, i, i)).toBe(0);
      for (let j = 0; j < 50; j++) expect(at(value, i, j)).toBe(Math.fround(distance('l2', x, i, x, j)));
    }
  });

  it('refuses points of other dimensions, other metrics, and its inputs as outputs', async () => {
    const x = { data: new Float32Array(9), rows: 3, columns: 3 };
    const argument = { code: 'ERR_VGPU_COMPUTE_ARGUMENT' };
    const y = { data: new Float32Array(6), rows: 3, columns: 2 };
    expect(await rejection(session.pairwiseDistance(x, y))).toMatchObject(argument);
    expect(await rejection(session.pairwiseDistance(x, x, { metric: 'l3' as Metric }))).toMatchObject(
      argument,
    );
    expect(await rejection(session.pairwiseDistance(x, x, { out: x }))).toMatchObject({
      code: 'ERR_VGPU_COMPUTE_OVERLAP',
    });
  });
});

describe.each(metrics)('nearestNeighbours, %s', (metric) => {
  it('is sorting all distances, equal ones by their index', () =>
    fc.assert(
      fc.asyncProperty(shape, fc.nat(), async ({ queries, points, columns, gap, double, seed }, more) => {
        const x = matrixOf(double, queries, columns, gap, seed);
        const y = matrixOf(double, points, columns, 2 - gap, seed + 1);
        const k = more % (points + 1);
        const { value } = await session.nearestNeighbours(x, y, k, { metric });
        for (let i = 0; i < queries; i++) {
          const found = [...value.indices.data.subarray(i * k, i * k + k)];
          // Multiples of 1/4 have exact squares and products; quotients are rounded, in an order of their own.
          if (metric !== 'cosine') expect(found).toEqual(nearest(metric, x, i, y, k));
          else expect(new Set(found).size).toBe(k);
          const expected = nearest(metric, x, i, y, k).map((j) => distance(metric, x, i, y, j));
          found.forEach((j, place) => {
            expect(distance(metric, x, i, y, j)).toBeCloseTo(expected[place] ?? Number.NaN, 12);
            expect(at(value.distances, i, place)).toBeCloseTo(expected[place] ?? Number.NaN, 4);
          });
        }
      }),
      { numRuns: 60 },
    ));
});

describe('nearestNeighbours', () => {
  it('finds the same over several blocks of queries and points', async () => {
    const x = matrixOf(false, 300, 3, 0, 4);
    const y = matrixOf(false, 5000, 3, 1, 5);
    const { value } = await session.nearestNeighbours(x, y, 7);
    for (const i of [0, 1, 255, 256, 299]) {
      expect([...value.indices.data.subarray(7 * i, 7 * i + 7)]).toEqual(nearest('l2', x, i, y, 7));
    }
  });

  it('finds the right ones where products in f32 could not tell them apart', async () => {
    const points = farAway(3000);
    const queries = { ...points, rows: 20 };
    const { value } = await session.nearestNeighbours(queries, points, 5);
    for (let i = 0; i < 20; i++) {
      expect([...value.indices.data.subarray(5 * i, 5 * i + 5)]).toEqual(
        nearest('l2', queries, i, points, 5),
      );
    }
  });

  it('survives numbers whose products are too great for f32, infinities and NaN', async () => {
    const data = new Float32Array([1e30, 2e30, 1e30, 3e30, Number.NaN, 0, 0, 0, Infinity, 1]);
    const points = { data, rows: 5, columns: 2 };
    const { value } = await session.nearestNeighbours({ data, rows: 1, columns: 2 }, points, 5);
    expect([...value.indices.data]).toEqual([0, 1, 3, 4, 2]);
  });

  it('counts vectors without length as neither near nor far, by cosine', async () => {
    const points = { data: new Float64Array([0, 0, -1, 0, 1, 0]), rows: 3, columns: 2 };
    const queries = { data: new Float64Array([2, 0]), rows: 1, columns: 2 };
    const { value } = await session.nearestNeighbours(queries, points, 3, { metric: 'cosine' });
    expect([...value.indices.data]).toEqual([2, 0, 1]);
    expect([...value.distances.data]).toEqual([0, 1, 2]);
  });

  it('is refused below JavaScript for more neighbours than points, and for short outputs', async () => {
    const start = [new Int32Array(1), 1e9] as const;
    const x = new Float32Array(6);
    const call = async (k: number, indices: Uint32Array) =>
      native().nearestNeighbours(
        ...[...start, 'l2' as Metric, x, 3, 2, 2, x, 3, 2, 2],
        ...([new Float32Array(30), 3, k, k, indices, 3, k, k] as const),
      );
    await expect(call(4, new Uint32Array(30))).rejects.toMatchObject({
      kind: 'capacity',
      first: 4,
      second: 3,
    });
    await expect(call(3, new Uint32Array(8))).rejects.toMatchObject({
      kind: 'capacity',
      first: 9,
      second: 8,
    });
    await call(3, new Uint32Array(9));
  });
});

it('a distance from a point that is no number is none', async () => {
  const x = { data: new Float32Array([Number.NaN, 1, 2, 3]), rows: 2, columns: 2 };
  for (const metric of metrics) {
    const { value } = await session.pairwiseDistance(x, x, { metric });
    expect([...value.data].map(Number.isNaN)).toEqual([true, true, true, false]);
    const { value: near } = await session.nearestNeighbours({ ...x, rows: 1 }, x, 2, { metric });
    expect([...near.distances.data, ...near.indices.data]).toEqual([Number.NaN, Number.NaN, 0, 1]);
  }
});

it('points that are farther apart than a number can tell have no layout', async () => {
  const data = new Float64Array([-1e308, 0, 1e308, 0]);
  const error = await rejection(session.forceLayoutStep({ data, rows: 2, columns: 2 }, new Uint32Array(0)));
  expect(error.code).toBe('ERR_VGPU_COMPUTE_ARGUMENT');
});
