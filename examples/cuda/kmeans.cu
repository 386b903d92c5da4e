// Groups the zip codes of the United States with k-means, through the CUDA runtime API.
//   nvcc -cudart shared -o kmeans kmeans.cu
//   vgpu run -- ./kmeans zipcodes.csv result.json 12 100
#include "kmeans_host.h"
#include "kmeans_kernels.cu"

static_assert(sizeof(Position) == sizeof(KmeansPosition) && sizeof(ClusterSum) == sizeof(KmeansSum),
              "host and kernels must agree on the layout");

static void check(cudaError_t status, const char* what) {
  if (status != cudaSuccess) kmeans_fail("%s: %s", what, cudaGetErrorString(status));
}

#define CHECK(call) check((call), #call)

/// Kernels are asynchronous; waiting for each makes its time visible.
static double finish_step(Kmeans* kmeans, int step, double start) {
  CHECK(cudaGetLastError());
  CHECK(cudaDeviceSynchronize());
  return kmeans_lap(kmeans, step, start);
}

static void solve(Kmeans* kmeans) {
  const int points = kmeans->point_count, clusters = kmeans->cluster_count;
  const std::size_t point_bytes = points * sizeof(Position), centre_bytes = clusters * sizeof(Position);
  Position *device_points = nullptr, *device_centres = nullptr;
  int* device_assignment = nullptr;
  ClusterSum* device_sums = nullptr;
  unsigned* device_reassigned = nullptr;

  double time = kmeans_clock();
  CHECK(cudaMalloc(&device_points, point_bytes));
  CHECK(cudaMalloc(&device_centres, centre_bytes));
  CHECK(cudaMalloc(&device_assignment, points * sizeof(int)));
  CHECK(cudaMalloc(&device_sums, clusters * sizeof(ClusterSum)));
  CHECK(cudaMalloc(&device_reassigned, sizeof(unsigned)));
  CHECK(cudaMemcpy(device_points, kmeans->points, point_bytes, cudaMemcpyHostToDevice));
  CHECK(cudaMemcpy(device_centres, kmeans->centres, centre_bytes, cudaMemcpyHostToDevice));
  CHECK(cudaMemcpy(device_assignment, kmeans->assignment, points * sizeof(int), cudaMemcpyHostToDevice));
  CHECK(cudaMemset(device_sums, 0, clusters * sizeof(ClusterSum)));
  time = finish_step(kmeans, KMEANS_COPY_IN, time);

  while (kmeans->rounds < kmeans->round_limit) {
    unsigned reassigned = 0;
    CHECK(cudaMemset(device_reassigned, 0, sizeof reassigned));
    assign_points<<<(points + KMEANS_BLOCK - 1) / KMEANS_BLOCK, KMEANS_BLOCK, centre_bytes>>>(
        device_points, points, device_centres, clusters, device_assignment, device_reassigned);
    CHECK(cudaGetLastError());
    CHECK(cudaMemcpy(&reassigned, device_reassigned, sizeof reassigned, cudaMemcpyDeviceToHost));
    time = finish_step(kmeans, KMEANS_ASSIGN, time);
    kmeans->rounds += 1;
    kmeans->converged = reassigned == 0;
    kmeans_report_round(kmeans, reassigned);
    if (kmeans->converged) break;

    sum_clusters<<<KMEANS_SUM_BLOCKS, KMEANS_BLOCK, clusters * sizeof(ClusterSum)>>>(
        device_points, points, device_assignment, clusters, device_sums);
    time = finish_step(kmeans, KMEANS_SUM, time);
    move_centres<<<(clusters + KMEANS_BLOCK - 1) / KMEANS_BLOCK, KMEANS_BLOCK>>>(device_sums, clusters,
                                                                                 device_centres);
    time = finish_step(kmeans, KMEANS_MOVE, time);
  }

  CHECK(cudaMemcpy(kmeans->centres, device_centres, centre_bytes, cudaMemcpyDeviceToHost));
  CHECK(cudaMemcpy(kmeans->assignment, device_assignment, points * sizeof(int), cudaMemcpyDeviceToHost));
  kmeans_lap(kmeans, KMEANS_COPY_OUT, time);
  CHECK(cudaFree(device_points));
  CHECK(cudaFree(device_centres));
  CHECK(cudaFree(device_assignment));
  CHECK(cudaFree(device_sums));
  CHECK(cudaFree(device_reassigned));
}

int main(int argc, char** argv) {
  if (argc != 5) kmeans_fail("usage: %s POINTS.csv RESULT.json CLUSTERS ROUNDS", argv[0]);
  Kmeans kmeans;
  kmeans_prepare(&kmeans, argv + 1);
  cudaDeviceProp properties;
  CHECK(cudaGetDeviceProperties(&properties, 0));
  snprintf(kmeans.device, sizeof kmeans.device, "%s", properties.name);
  solve(&kmeans);
  kmeans_write_result(&kmeans, argv[2]);
  kmeans_release(&kmeans);
  return 0;
}
