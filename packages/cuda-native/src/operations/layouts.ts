// Points of the plane or of space, and graphs between them.
import { checkInteger, elementTypeOf, type FloatArray, type NumericArray, named } from '../arrays.js';
import type { Call, MatrixCall } from '../calls.js';
import { argumentError } from '../errors.js';
import { checkFloats, type Matrix, matrixArguments, outputMatrix } from '../matrix.js';
import type { MatrixOptions } from '../options.js';
import { newResult } from '../result-arrays.js';
import type { OperationOptions } from '../runner.js';
import { NeighbourOperations } from './neighbours.js';
import type { Result } from './operations.js';

/** What the addon has for this family. */
export interface LayoutCalls {
  readonly spatialGrid: Call<
    [
      ...points: MatrixCall,
      cellSize: number,
      origin: Float64Array,
      cells: Uint32Array,
      starts: Uint32Array,
      items: Uint32Array,
    ]
  >;
  readonly forceLayoutStep: Call<
    [...positions: MatrixCall, edges: Uint32Array, forces: Float64Array, ...out: MatrixCall]
  >;
}

export interface SpatialGridOptions extends OperationOptions {
  /** The sides of a cell; above 0. */
  readonly cellSize: number;
  /** Where the grid begins, for each axis. */
  readonly origin: readonly number[];
  /** How many cells there are along each axis; together at most 2³² − 2. */
  readonly cells: readonly number[];
}

/** Cell (x, y, z) has the number x + cells[0] × (y + cells[1] × z). */
export interface SpatialGrid {
  /** The points of cell c are items[starts[c]] … items[starts[c + 1] − 1]. One element more than there are cells. */
  readonly starts: Uint32Array;
  readonly items: Uint32Array;
}

export interface ForceLayoutOptions<T extends FloatArray> extends MatrixOptions<T> {
  /** Nodes push each other away by repulsion ÷ distance … 1 by default. */
  readonly repulsion?: number;
  /** … up to this distance. 1 by default; above 0. */
  readonly radius?: number;
  /** Edges pull by stiffness × (length − springLength). 1 by default. */
  readonly stiffness?: number;
  /** 1 by default. */
  readonly springLength?: number;
  /** Of the force on it, how far a node moves … 0.1 by default. */
  readonly step?: number;
  /** … and at most so far. No limit by default. */
  readonly maxMove?: number;
}

const planeAxes = 2;
const spaceAxes = 3;

export abstract class Layouts extends NeighbourOperations {
  /**
   * Which points lie in each cell of a uniform grid, in their order. Points are rows of two or three coordinates. What lies outside the grid
   * counts for the cell at its border that is nearest, NaN for the first one of its axis. Takes 16 bytes for each point, or 24 where they crowd.
   */
  async spatialGrid(points: Matrix<FloatArray>, options: SpatialGridOptions): Result<SpatialGrid> {
    const { cellSize, origin, cells } = options;
    const axes = checkCoordinates(points, 'points');
    if (!(cellSize > 0) || !Number.isFinite(cellSize)) throw argumentError(`cellSize is ${cellSize}`);
    if (origin.length !== axes || cells.length !== axes || !origin.every(Number.isFinite)) {
      throw argumentError(`origin and cells need ${axes} numbers each, one for each axis of the points`);
    }
    for (const number of cells) checkInteger(number, 'a number of cells', 1);
    const count = cells.reduce((product, number) => product * number, 1);
    if (count > 2 ** 32 - 2) throw argumentError(`${count} cells are more than 2^32 - 2`, { cells: count });
    const starts = newResult('u32', count + 1);
    const items = newResult('u32', points.rows);
    const input = matrixArguments(points, 'points');
    const inSpace = (numbers: readonly number[], rest: number) =>
      numbers.length === spaceAxes ? numbers : [...numbers, rest];
    return this.write('spatialGrid', { starts, items }, options, (start, engine) =>
      engine.spatialGrid(
        ...start,
        ...input,
        cellSize,
        Float64Array.from(inSpace(origin, 0)),
        Uint32Array.from(inSpace(cells, 1)),
        starts,
        items,
      ),
    );
  }

  /**
   * One step of a graph's layout by forces: nodes push away those within `radius`, found by a uniform grid, and edges pull like springs.
   * Positions are rows of two or three finite coordinates; edge e joins the nodes edges[2 e] and edges[2 e + 1]. Forces are
   * added in double and in a fixed order, so that the bits do not depend on the number of cores. Where nodes crowd in one cell, each looks at all of them.
   * Takes about 40 bytes for each node and 60 for each edge, more where nodes crowd.
   *
   * @throws CapacityError for an edge to a node that does not exist
   */
  async forceLayoutStep<T extends FloatArray>(
    positions: Matrix<T>,
    edges: Uint32Array,
    options: ForceLayoutOptions<T> = {},
  ): Result<Matrix<T>> {
    const { repulsion = 1, radius = 1, stiffness = 1, springLength = 1, step = 0.1 } = options;
    const { maxMove = Number.MAX_VALUE } = options;
    checkCoordinates(positions, 'positions');
    if (elementTypeOf(edges, 'edges') !== 'u32') throw argumentError('edges is not a Uint32Array');
    if (edges.length % 2 !== 0) throw argumentError(`edges has ${edges.length} elements, which are no pairs`);
    const forces = [repulsion, radius, stiffness, springLength, step, maxMove];
    if (!forces.every(Number.isFinite) || radius <= 0 || maxMove < 0) {
      throw argumentError(
        `forces must be finite, radius above 0 and maxMove not below: ${forces.join(', ')}`,
      );
    }
    const input = matrixArguments(positions, 'positions');
    const inputs = [named('positions.data', positions.data), named('edges', edges)] as const;
    const { out, output } = outputMatrix(options.out, inputs, positions.rows, positions.columns);
    return this.write('forceLayoutStep', out, options, (start, engine) =>
      engine.forceLayoutStep(...start, ...input, edges, Float64Array.from(forces), ...output),
    );
  }
}

/** How many there are for each point. */
function checkCoordinates(points: Matrix<NumericArray>, name: string): number {
  checkFloats(elementTypeOf(points.data, `${name}.data`));
  matrixArguments(points, name);
  const { columns } = points;
  if (columns === planeAxes || columns === spaceAxes) return columns;
  throw argumentError(`${name} has ${columns} columns, not the 2 or 3 coordinates of a point`, { columns });
}
