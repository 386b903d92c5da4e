/** What k-means found, in whichever way it was computed. */
export interface Clustering {
  rounds: number;
  converged: boolean;
  centres: { x: number; y: number }[];
  /** The number of each point's cluster. */
  assignment: Int32Array;
}

/**
 * k-means in plain TypeScript, the yardstick of the demo. Whole numbers throughout, like the kernels in
 * examples/cuda/kmeans_kernels.cu; all of them stay below 2^53, so that a number holds them exactly: a squared
 * distance is below 3e15, the sum of all coordinates below 2e12.
 */
export function kmeans(x: Int32Array, y: Int32Array, clusterCount: number, roundLimit: number): Clustering {
  const pointCount = x.length;
  const centreX = new Float64Array(clusterCount);
  const centreY = new Float64Array(clusterCount);
  for (let cluster = 0; cluster < clusterCount; cluster += 1) {
    // Points at equal distances in the file, which runs from the east coast to the west coast.
    const first = Math.floor(((2 * cluster + 1) * pointCount) / (2 * clusterCount));
    centreX[cluster] = at(x, first);
    centreY[cluster] = at(y, first);
  }

  const assignment = new Int32Array(pointCount).fill(-1);
  let rounds = 0;
  let converged = false;
  while (rounds < roundLimit) {
    const reassigned = assign(x, y, centreX, centreY, assignment);
    rounds += 1;
    converged = reassigned === 0;
    if (converged) break;
    moveCentres(x, y, assignment, centreX, centreY);
  }
  const centres = Array.from(centreX, (centre, cluster) => ({ x: centre, y: at(centreY, cluster) }));
  return { rounds, converged, centres, assignment };
}

/** Gives each point its nearest centre, the lowest of several; returns how many points that is news for. */
function assign(
  x: Int32Array,
  y: Int32Array,
  centreX: Float64Array,
  centreY: Float64Array,
  assignment: Int32Array,
): number {
  let reassigned = 0;
  for (let point = 0; point < x.length; point += 1) {
    let nearest = 0;
    let nearestDistance = Number.POSITIVE_INFINITY;
    for (let cluster = 0; cluster < centreX.length; cluster += 1) {
      const dx = at(x, point) - at(centreX, cluster);
      const dy = at(y, point) - at(centreY, cluster);
      const distance = dx * dx + dy * dy;
      if (distance < nearestDistance) {
        nearest = cluster;
        nearestDistance = distance;
      }
    }
    if (at(assignment, point) !== nearest) {
      assignment[point] = nearest;
      reassigned += 1;
    }
  }
  return reassigned;
}

/** The middle of each cluster's points, rounded down; a centre without points stays. */
function moveCentres(
  x: Int32Array,
  y: Int32Array,
  assignment: Int32Array,
  centreX: Float64Array,
  centreY: Float64Array,
): void {
  const sumX = new Float64Array(centreX.length);
  const sumY = new Float64Array(centreX.length);
  const counts = new Int32Array(centreX.length);
  for (let point = 0; point < x.length; point += 1) {
    const cluster = at(assignment, point);
    sumX[cluster] = at(sumX, cluster) + at(x, point);
    sumY[cluster] = at(sumY, cluster) + at(y, point);
    counts[cluster] = at(counts, cluster) + 1;
  }
  counts.forEach((count, cluster) => {
    if (count === 0) return;
    // A quotient is at least 1/count below the next whole number, far more than the rounding of the division.
    centreX[cluster] = Math.floor(at(sumX, cluster) / count);
    centreY[cluster] = Math.floor(at(sumY, cluster) / count);
  });
}

/** An element that is known to exist. */
function at(values: Int32Array | Float64Array, index: number): number {
  return values[index] as number;
}

/** The first difference between two clusterings in words, or undefined when they are the same. */
export function difference(actual: Clustering, expected: Clustering): string | undefined {
  if (actual.rounds !== expected.rounds) return `${actual.rounds} rounds instead of ${expected.rounds}`;
  if (actual.converged !== expected.converged) return `converged: ${actual.converged}`;
  if (actual.centres.length !== expected.centres.length) return `${actual.centres.length} centres`;
  if (actual.assignment.length !== expected.assignment.length) return `${actual.assignment.length} points`;
  for (const [cluster, { x, y }] of expected.centres.entries()) {
    const centre = actual.centres[cluster];
    if (centre?.x !== x || centre.y !== y) {
      return `centre ${cluster} is at (${centre?.x}, ${centre?.y}) instead of (${x}, ${y})`;
    }
  }
  const point = expected.assignment.findIndex((cluster, index) => cluster !== actual.assignment[index]);
  if (point < 0) return undefined;
  return `point ${point} is in cluster ${actual.assignment[point]} instead of ${expected.assignment[point]}`;
}
