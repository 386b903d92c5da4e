// The nearest of more points than fit into memory.
//
// Some queries are in memory at a time, as many as fit, and the points go by once for each such panel. What is nearest among
// the points of one block is merged with what was nearest before.
import { checkInteger, type FloatArray, newArray } from '../arrays.js';
import { argumentError, CapacityError } from '../errors.js';
import type { Matrix } from '../matrix.js';
import type { Metric } from '../operations/neighbours.js';
import type { ComputeSession } from '../session.js';
import type { Journal } from './journal.js';
import { checkpoint, Output, type ResumeOptions, resumable, type Task, writing } from './output.js';
import { memoryError, Run, type StoredResult } from './run.js';
import { Elements, type StoredArray, type StoredOutput } from './stored-array.js';
import { type Piece, piecesOf, stream } from './stream.js';

/** For each query a row, nearest first. */
export interface StoredNeighbours {
  readonly distances: StoredOutput;
  /** Of u32. */
  readonly indices: StoredOutput;
}

interface Search {
  readonly queries: Elements;
  readonly points: Elements;
  readonly distances: Output;
  readonly indices: Output;
  readonly k: number;
  readonly metric: Metric;
  /** In rows. */
  readonly panel: number;
  readonly block: number;
}

/** What is nearest so far, a row for each query. */
interface Best {
  /** How many of each row are known. */
  known: number;
  distances: FloatArray;
  indices: Uint32Array;
}

/** The session's own: points turned over, and products of some queries with them. */
const [turnedPoints, productQueries] = [2048, 256];
const heapBytes = 4096;
const mostPanelRows = 2 ** 16;
const mostBlockBytes = 2 ** 26;

/**
 * As `session.nearestNeighbours`, with k columns in the outputs. Which of two points in different blocks is nearer is decided by the
 * distances in the type of the elements; of equal ones the first.
 *
 * @throws ComputeError ERR_VGPU_COMPUTE_MEMORY_LIMIT: some 4 MiB are needed, and 16 KiB for each column of f64
 */
export async function nearestNeighbours(
  session: ComputeSession,
  queries: StoredArray,
  points: StoredArray,
  k: number,
  out: StoredNeighbours,
  options: Omit<ResumeOptions, 'checkpointBytes'> & { readonly metric?: Metric } = {},
): Promise<StoredResult<StoredNeighbours>> {
  const { resume = false, metric = 'l2', ...others } = options;
  const arrays = {
    queries: new Elements(queries, 'queries'),
    points: new Elements(points, 'points'),
    distances: new Output(out.distances, 'distances'),
    indices: new Output(out.indices, 'indices'),
  };
  check(arrays, k);
  const sizes = planFor(arrays, k, new Run(session, others, 0).memoryLimit);
  const { rows } = arrays.queries;
  const passes = Math.ceil(rows / sizes.panel);
  const run = new Run(session, others, passes * arrays.points.count * arrays.points.bytesPerElement);
  const search: Search = { ...arrays, ...sizes, k, metric };
  const task: Task = {
    operation: 'nearestNeighbours',
    inputs: [arrays.queries, arrays.points],
    outputs: [arrays.distances, arrays.indices],
  };
  const plan = { ...sizes, k, isCosine: metric === 'cosine', isDot: metric === 'dot' };
  if (resume) await resumable(task, plan, (journal) => panels(run, search, journal));
  else await writing(task, () => panels(run, search, undefined));
  return run.result(out);
}

async function panels(run: Run, search: Search, journal: Journal | undefined): Promise<void> {
  const { queries, points, distances, indices, k, panel } = search;
  const [start = 0] = journal?.state ?? [];
  run.progress(Math.ceil(start / panel) * points.count * points.bytesPerElement);
  for (const rows of piecesOf(queries.rows, panel, start)) {
    run.uses(
      fixedBytes(search, k) + rows.count * panelRowBytes(search, k) + 3 * search.block * rowBytes(points),
    );
    const best = await onePanel(run, search, rows);
    const [first, count] = [rows.first * k, rows.count * k];
    (distances.window(first, count) as FloatArray).set(best.distances);
    (indices.window(first, count) as Uint32Array).set(best.indices);
    await queries.array.discard(rows.first * queries.columns, rows.count * queries.columns);
    if (journal !== undefined) await checkpoint([distances, indices], journal, [rows.first + rows.count]);
    for (const { array } of [distances, indices]) await array.discard(first, count);
  }
}

async function onePanel(run: Run, { queries, points, k, metric, block }: Search, rows: Piece): Promise<Best> {
  const best: Best = {
    known: 0,
    distances: newArray(queries.type, rows.count * k) as FloatArray,
    indices: newArray('u32', rows.count * k),
  };
  const panel = matrixIn(queries, rows);
  const { columns } = points;
  await stream(
    run,
    piecesOf(points.count, block * columns),
    { inputs: [points] },
    async ({ first, count }) => {
      const part = matrixIn(points, { first: first / columns, count: count / columns });
      const wanted = Math.min(k, part.rows);
      const near = await run.take(
        run.session.nearestNeighbours(panel, part, wanted, { ...run.options, metric }),
      );
      const found = { known: wanted, distances: near.distances.data, indices: near.indices.data };
      merge(best, found, { k, queries: rows.count, firstPoint: first / columns });
    },
  );
  return best;
}

/** Adds what was found in a later block. The rows of `best` have room for k, those of `found` are full. */
function merge(
  best: Best,
  found: Best,
  { k, queries, firstPoint }: { readonly k: number; readonly queries: number; readonly firstPoint: number },
): void {
  const known = Math.min(k, best.known + found.known);
  const before = { distances: new Float64Array(best.known), indices: new Uint32Array(best.known) };
  for (let query = 0; query < queries; query++) {
    const [row, other] = [query * k, query * found.known];
    before.distances.set(best.distances.subarray(row, row + best.known));
    before.indices.set(best.indices.subarray(row, row + best.known));
    let [i, j] = [0, 0];
    for (let place = 0; place < known; place++) {
      const [old, fresh] = [before.distances[i] ?? Number.NaN, found.distances[other + j] ?? Number.NaN];
      const keepsOld = i < best.known && (j >= found.known || !isNearer(fresh, old));
      best.distances[row + place] = keepsOld ? old : fresh;
      best.indices[row + place] = keepsOld
        ? (before.indices[i] ?? 0)
        : firstPoint + (found.indices[other + j] ?? 0);
      if (keepsOld) i += 1;
      else j += 1;
    }
  }
  best.known = known;
}

/** NaN is the farthest. */
function isNearer(one: number, other: number): boolean {
  return one < other || (Number.isNaN(other) && !Number.isNaN(one));
}

function check(
  { queries, points, distances, indices }: Pick<Search, 'queries' | 'points' | 'distances' | 'indices'>,
  k: number,
): void {
  checkInteger(k, 'k', 1);
  if (k > points.rows) throw new CapacityError('points', k, points.rows);
  if (points.rows > 2 ** 32 - 1)
    throw argumentError(`${points.rows} points are more than indices of u32 can tell`);
  const { type } = queries;
  const isRight = (type === 'f32' || type === 'f64') && points.type === type && distances.type === type;
  if (!isRight || indices.type !== 'u32') {
    throw argumentError('queries, points and distances are all of f32 or all of f64, and indices of u32', {
      queries: type,
      points: points.type,
      distances: distances.type,
      indices: indices.type,
    });
  }
  if (points.columns !== queries.columns || queries.columns === 0) {
    throw argumentError(`points have ${points.columns} columns, and queries ${queries.columns}`);
  }
  for (const { name, rows, columns } of [distances, indices]) {
    if (rows === queries.rows && columns === k) continue;
    throw argumentError(`${name} has ${rows} × ${columns} elements where ${queries.rows} × ${k} belong`, {
      rows,
      columns,
      expectedRows: queries.rows,
      expectedColumns: k,
    });
  }
}

/** The rest of the limit is shared by queries and points. */
function planFor(
  arrays: Pick<Search, 'queries' | 'points'>,
  k: number,
  limit: number,
): Pick<Search, 'panel' | 'block'> {
  const [panelRow, blockRow] = [panelRowBytes(arrays, k), 3 * rowBytes(arrays.points)];
  const share = Math.floor((limit - fixedBytes(arrays, k)) / 2);
  const [panel, block] = [Math.floor(share / panelRow), Math.floor(share / blockRow)];
  if (panel < 1 || block < 1)
    throw memoryError(fixedBytes(arrays, k) + 2 * Math.max(panelRow, blockRow), limit);
  const mostBlock = Math.max(1, Math.floor(mostBlockBytes / blockRow));
  return { panel: Math.min(panel, mostPanelRows), block: Math.min(block, mostBlock) };
}

function fixedBytes({ points }: Pick<Search, 'points'>, k: number): number {
  const elements = turnedPoints * points.columns + productQueries * turnedPoints;
  return elements * points.bytesPerElement + heapBytes * k;
}

/** The query, its norm, and its neighbours: in the outputs, so far, and in a block. */
function panelRowBytes({ queries }: Pick<Search, 'queries'>, k: number): number {
  return rowBytes(queries) + 3 * k * (queries.bytesPerElement + 4);
}

/** A point or query, and its norm. */
function rowBytes({ columns, bytesPerElement }: Elements): number {
  return columns * bytesPerElement + 8;
}

function matrixIn(elements: Elements, { first, count }: Piece): Matrix<FloatArray> {
  const { columns } = elements;
  const data = elements.window(first * columns, count * columns) as FloatArray;
  return { data, rows: count, columns };
}
