// k-means on the GPU: the three kernels of one round. Everything is whole numbers, so the result does not
// depend on the order in which threads run, and any other correct implementation gets the same one.

struct Position {
  int x, y;
};

struct ClusterSum {
  unsigned long long x, y, points;
};

/// Gives every point the number of its nearest centre (the lowest of several that are equally near) and
/// counts the points for which that is news. Dynamic shared memory: one Position a centre.
extern "C" __global__ void assign_points(const Position* points, int point_count, const Position* centres,
                                         int centre_count, int* assignment, unsigned* reassigned) {
  extern __shared__ Position block_centres[];
  __shared__ unsigned block_reassigned;
  for (int centre = threadIdx.x; centre < centre_count; centre += blockDim.x)
    block_centres[centre] = centres[centre];
  if (threadIdx.x == 0) block_reassigned = 0;
  __syncthreads();

  const int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i < point_count) {
    const Position point = points[i];
    int nearest = 0;
    long long nearest_distance = 0;
    for (int centre = 0; centre < centre_count; ++centre) {
      const long long dx = point.x - block_centres[centre].x;
      const long long dy = point.y - block_centres[centre].y;
      const long long distance = dx * dx + dy * dy;
      if (centre == 0 || distance < nearest_distance) {
        nearest = centre;
        nearest_distance = distance;
      }
    }
    if (assignment[i] != nearest) {
      assignment[i] = nearest;
      atomicAdd(&block_reassigned, 1u);
    }
  }
  __syncthreads();
  if (threadIdx.x == 0 && block_reassigned != 0) atomicAdd(reassigned, block_reassigned);
}

/// Adds the points of each cluster to its sum: first in shared memory, where many threads meet at few
/// addresses, then once a block in global memory. Dynamic shared memory: one ClusterSum a cluster.
extern "C" __global__ void sum_clusters(const Position* points, int point_count, const int* assignment,
                                        int cluster_count, ClusterSum* sums) {
  extern __shared__ ClusterSum block_sums[];
  for (int cluster = threadIdx.x; cluster < cluster_count; cluster += blockDim.x)
    block_sums[cluster] = {0, 0, 0};
  __syncthreads();

  const int stride = gridDim.x * blockDim.x;
  for (int i = blockIdx.x * blockDim.x + threadIdx.x; i < point_count; i += stride) {
    ClusterSum* sum = &block_sums[assignment[i]];
    atomicAdd(&sum->x, static_cast<unsigned long long>(points[i].x));
    atomicAdd(&sum->y, static_cast<unsigned long long>(points[i].y));
    atomicAdd(&sum->points, 1ull);
  }
  __syncthreads();

  for (int cluster = threadIdx.x; cluster < cluster_count; cluster += blockDim.x) {
    const ClusterSum sum = block_sums[cluster];
    if (sum.points == 0) continue;
    atomicAdd(&sums[cluster].x, sum.x);
    atomicAdd(&sums[cluster].y, sum.y);
    atomicAdd(&sums[cluster].points, sum.points);
  }
}

/// Moves each centre into the middle of its points, rounded down; a centre without points stays. Clears the
/// sums.
extern "C" __global__ void move_centres(ClusterSum* sums, int cluster_count, Position* centres) {
  const int cluster = blockIdx.x * blockDim.x + threadIdx.x;
  if (cluster >= cluster_count) return;
  const ClusterSum sum = sums[cluster];
  if (sum.points != 0) {
    centres[cluster].x = static_cast<int>(sum.x / sum.points);
    centres[cluster].y = static_cast<int>(sum.y / sum.points);
  }
  sums[cluster] = {0, 0, 0};
}
