// Distances between points, which are the rows of matrices.
import { checkInteger, checkSameType, type FloatArray, named } from '../arrays.js';
import type { Call, MatrixCall } from '../calls.js';
import { argumentError, CapacityError } from '../errors.js';
import { checkFloats, checkShape, type Matrix, matrixArguments, newMatrix, outputMatrix } from '../matrix.js';
import type { MatrixOptions } from '../options.js';
import { newResult } from '../result-arrays.js';
import type { OperationOptions } from '../runner.js';
import { BitMatrices } from './bit-matrices.js';
import type { Result } from './operations.js';

/**
 * The less the nearer. `l2`: Euclidean. `cosine`: 1 − x·y ÷ (|x| |y|), and 1 where one of them is 0. `dot`: −x·y.
 */
export type Metric = 'l2' | 'cosine' | 'dot';

/** What the addon has for this family. */
export interface NeighbourCalls {
  readonly pairwiseDistance: Call<[metric: Metric, ...x: MatrixCall, ...y: MatrixCall, ...out: MatrixCall]>;
  readonly nearestNeighbours: Call<
    [
      metric: Metric,
      ...queries: MatrixCall,
      ...points: MatrixCall,
      ...distances: MatrixCall,
      ...indices: MatrixCall,
    ]
  >;
}

export interface DistanceOptions<T extends FloatArray> extends MatrixOptions<T> {
  /** `l2` by default. */
  readonly metric?: Metric;
}

export interface Neighbours<T extends FloatArray> {
  /** A row for each query, nearest first. */
  readonly distances: Matrix<T>;
  readonly indices: Matrix<Uint32Array>;
}

const metrics: readonly string[] = ['l2', 'cosine', 'dot'];

export abstract class NeighbourOperations extends BitMatrices {
  /**
   * Element (i, j): the distance of row i of `x` from row j of `y`, by a product of matrices in their type. For d columns the error of x·y
   * is about d × 2⁻²⁴ (f32) or d × 2⁻⁵³ (f64) of |x| |y|, and that of a Euclidean distance's square the same of |x|² + |y|²; Euclidean distances of points that are near each other beside their lengths are computed
   * one by one instead, and equal points have 0. Takes a copy of `y`.
   */
  async pairwiseDistance<T extends FloatArray>(
    x: Matrix<T>,
    y: Matrix<T>,
    options: DistanceOptions<T> = {},
  ): Result<Matrix<T>> {
    const { metric = 'l2' } = options;
    const { left, right, inputs } = checkPoints(x, 'x', y, 'y', metric);
    const { out, output } = outputMatrix(options.out, inputs, x.rows, y.rows);
    return this.write('pairwiseDistance', out, options, (start, engine) =>
      engine.pairwiseDistance(...start, metric, ...left, ...right, ...output),
    );
  }

  /**
   * The `k` nearest points for each query; of equally near ones those that come first, and a distance of NaN is the farthest. Which
   * ones they are is decided in double, so that they do not depend on what multiplies. At most 2³² − 1 points. Takes a few MiB, 8 bytes for
   * each query and point, and 4096 × k.
   */
  async nearestNeighbours<T extends FloatArray>(
    queries: Matrix<T>,
    points: Matrix<T>,
    k: number,
    options: OperationOptions & { readonly metric?: Metric } = {},
  ): Result<Neighbours<T>> {
    const { metric = 'l2' } = options;
    checkInteger(k, 'k');
    const { type, left, right } = checkPoints(queries, 'queries', points, 'points', metric);
    if (k > points.rows) throw new CapacityError('points', k, points.rows);
    const distances = newMatrix<T>(type, queries.rows, k);
    const indices: Matrix<Uint32Array> = {
      data: newResult('u32', queries.rows * k),
      rows: queries.rows,
      columns: k,
    };
    return this.write('nearestNeighbours', { distances, indices }, options, (start, engine) =>
      engine.nearestNeighbours(
        ...start,
        metric,
        ...left,
        ...right,
        ...matrixArguments(distances, 'distances'),
        ...matrixArguments(indices, 'indices'),
      ),
    );
  }
}

function checkPoints<T extends FloatArray>(
  x: Matrix<T>,
  xName: string,
  y: Matrix<T>,
  yName: string,
  metric: Metric,
) {
  if (!metrics.includes(metric)) {
    throw argumentError(`metric is ${JSON.stringify(metric)}, not one of ${metrics.join(', ')}`);
  }
  const inputs = [named(`${xName}.data`, x.data), named(`${yName}.data`, y.data)] as const;
  const type = checkSameType(...inputs);
  checkFloats(type);
  const left = matrixArguments(x, xName);
  const right = matrixArguments(y, yName);
  checkShape(y, yName, y.rows, x.columns);
  return { type, left, right, inputs };
}
