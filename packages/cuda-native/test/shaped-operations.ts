// Operations on matrices, points and graphs, for operations.ts.
import type { ComputeSession, ElementType, FloatArray, NumericArray } from '../src/index.js';
import type { OperationCase } from './operations.js';
import { arrayOf, elementTypes, random, type Shape } from './support.js';

const floats: readonly ElementType[] = ['f32', 'f64'];
const metrics = ['l2', 'cosine', 'dot'] as const;

/** Of so many rows, with a stride beyond them. */
function matrix(type: ElementType, { count, ...shape }: Shape, rows: number) {
  const columns = Math.max(1, Math.floor(Math.min(count, 20_000) / rows));
  const data = arrayOf(type, { ...shape, count: rows * (columns + 2), special: false });
  return { data, rows, columns, stride: columns + 2 };
}

/** Floats between −1 and 1, and any integers. */
function factors(type: ElementType, shape: Shape, count: number): NumericArray {
  const isFloat = type === 'f32' || type === 'f64';
  return isFloat ? numbers(type, shape, count) : arrayOf(type, { ...shape, count });
}

/** Numbers between −1 and 1. */
function numbers(type: ElementType, shape: Shape, count: number): FloatArray {
  const next = random(shape.seed);
  const array = arrayOf(type, { ...shape, count, special: false }) as FloatArray;
  return array.map(() => next() / 2 ** 31 - 1) as FloatArray;
}

/** Points with some at the same place, which have to be told apart by their order. */
function points(type: ElementType, shape: Shape, rows: number, columns: number) {
  const data = numbers(type, shape, rows * columns);
  if (shape.spread === 'few') for (const [i, number] of data.entries()) data[i] = Math.round(2 * number);
  return { data, rows, columns };
}

/** Of a system: the diagonal is great enough for no digit to be lost. */
function system(type: ElementType, shape: Shape) {
  const order = Math.ceil(Math.min(shape.count, 5000) / 100);
  const stride = order + 1;
  const data = numbers(type, shape, order * stride);
  for (let i = 0; i < order; i++) data[i * stride + ((i + 1) % order)] = order + 1;
  return { data, rows: order, columns: order, stride };
}

function batch(type: ElementType, shape: Shape, rows: number) {
  const each = matrix(type, { ...shape, count: Math.min(shape.count, 300) }, rows);
  const count = 1 + (shape.seed % 4);
  const step = rows * each.stride + 3;
  return { ...each, data: factors(type, shape, count * step), count, step };
}

type Distances = (
  session: ComputeSession,
  type: ElementType,
  shape: Shape,
) => ReturnType<OperationCase['run']>;

const pairwiseDistance: Distances = (session, type, shape) => {
  const columns = 1 + (shape.seed % 40);
  const x = points(type, shape, Math.min(shape.count, 40), columns);
  const y = points(type, { ...shape, seed: shape.seed + 1 }, Math.ceil(shape.count / 20), columns);
  return session.pairwiseDistance(x, y, { metric: metrics[shape.seed % 3] ?? 'l2' });
};

const nearestNeighbours: Distances = (session, type, shape) => {
  const columns = 1 + (shape.seed % 40);
  const all = points(type, shape, Math.min(shape.count, 3000), columns);
  const k = Math.min(all.rows, 1 + (shape.seed % 20));
  const queries = points(type, { ...shape, seed: shape.seed + 1 }, Math.min(shape.count, 9), columns);
  return session.nearestNeighbours(queries, all, k, { metric: metrics[shape.seed % 3] ?? 'l2' });
};

export const shapedOperations: readonly OperationCase[] = [
  {
    name: 'matmul',
    types: elementTypes,
    tolerance: 1e-5,
    run: (session, type, shape) => {
      const a = matrix(type, shape, 1 + (shape.seed % 70));
      const data = arrayOf(type, { ...shape, special: false, count: a.columns * 65 });
      return session.matmul(a, { data, rows: a.columns, columns: 65 });
    },
  },
  {
    name: 'matvec',
    types: elementTypes,
    run: (session, type, shape) => {
      const a = matrix(type, shape, 1 + (shape.seed % 70));
      return session.matvec(a, a.data.slice(0, a.columns) as NumericArray);
    },
  },
  {
    name: 'transpose',
    types: elementTypes,
    run: (session, type, shape) => session.transpose(matrix(type, shape, 1 + (shape.seed % 70))),
  },
  {
    name: 'matmulBatch',
    types: elementTypes,
    tolerance: 1e-5,
    run: (session, type, shape) => {
      const a = batch(type, shape, 1 + (shape.seed % 20));
      const data = factors(type, { ...shape, seed: shape.seed + 1 }, a.count * a.columns * 9);
      return session.matmulBatch(a, { data, rows: a.columns, columns: 9, count: a.count });
    },
  },
  {
    name: 'matvecBatch',
    types: elementTypes,
    run: (session, type, shape) => {
      const a = batch(type, shape, 1 + (shape.seed % 20));
      return session.matvecBatch(a, factors(type, { ...shape, seed: shape.seed + 1 }, a.count * a.columns));
    },
  },
  {
    name: 'solve',
    types: floats,
    tolerance: 1e-4,
    run: (session, type, shape) => {
      const a = system(type, shape);
      return session.solve(a, { data: numbers(type, shape, a.rows * 3), rows: a.rows, columns: 3 });
    },
  },
  {
    name: 'inverse',
    types: floats,
    tolerance: 1e-4,
    run: (session, type, shape) => session.inverse(system(type, shape)),
  },
  {
    name: 'bitMatmul',
    types: ['u64'],
    run: (session, _type, shape) => {
      const rows = 1 + (shape.seed % 40);
      const inner = Math.min(shape.count, 700);
      const columns = 1 + (shape.seed % 150);
      const words = (count: number, seed: number) =>
        arrayOf('u64', { ...shape, count, seed, spread: 'many' }) as BigUint64Array;
      const a = { words: words(rows * 8 * Math.ceil(inner / 512), shape.seed), rows, columns: inner };
      const b = { words: words(inner * 3, shape.seed + 1), rows: inner, columns, stride: 3 };
      return session.bitMatmul(a, b);
    },
  },
  { name: 'pairwiseDistance', types: floats, tolerance: 1e-5, run: pairwiseDistance },
  { name: 'nearestNeighbours', types: floats, run: nearestNeighbours },
  {
    name: 'spatialGrid',
    types: floats,
    run: (session, type, shape) => {
      const axes = 2 + (shape.seed % 2);
      const cells = [7, 5, 3].slice(0, axes);
      const origin = cells.map(() => -0.9);
      return session.spatialGrid(points(type, shape, shape.count, axes), { cellSize: 0.3, origin, cells });
    },
  },
  {
    name: 'forceLayoutStep',
    types: floats,
    run: (session, type, shape) => {
      const nodes = Math.min(shape.count, 2000);
      const next = random(shape.seed);
      const edges = Uint32Array.from({ length: nodes * 4 }, () => next() % nodes);
      const positions = points(type, shape, nodes, 2 + (shape.seed % 2));
      return session.forceLayoutStep(positions, edges, { radius: 0.2, maxMove: 0.5 });
    },
  },
];
