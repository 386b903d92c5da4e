// Grid synchronisation: every block sees what all others wrote before the barrier, again and again.
#include <cooperative_groups.h>

#include <vector>

#include "check.h"

namespace cg = cooperative_groups;

constexpr int kThreads = 64;
constexpr int kRounds = 8;

/// Each round every block adds up what all blocks wrote in the round before, and adds its own number.
__global__ void exchange(unsigned long long* values, int blocks, unsigned long long* results) {
  cg::grid_group grid = cg::this_grid();
  for (int round = 0; round < kRounds; ++round) {
    unsigned long long sum = blockIdx.x;
    for (int i = 0; i < blocks; ++i) sum += values[(round % 2) * blocks + i];
    grid.sync();
    if (threadIdx.x == 0) values[((round + 1) % 2) * blocks + blockIdx.x] = sum;
    grid.sync();
  }
  if (grid.thread_rank() % kThreads == 0) results[blockIdx.x] = values[(kRounds % 2) * blocks + blockIdx.x];
}

static std::vector<unsigned long long> expected(int blocks) {
  std::vector<unsigned long long> values(blocks, 0);
  for (int round = 0; round < kRounds; ++round) {
    unsigned long long sum = 0;
    for (unsigned long long value : values) sum += value;
    for (int i = 0; i < blocks; ++i) values[i] = sum + i;
  }
  return values;
}

static int most_blocks() {
  int per_multiprocessor = 0;
  int multiprocessors = 0;
  CHECK(cudaOccupancyMaxActiveBlocksPerMultiprocessor(&per_multiprocessor, exchange, kThreads, 0));
  CHECK(cudaDeviceGetAttribute(&multiprocessors, cudaDevAttrMultiProcessorCount, 0));
  return per_multiprocessor * multiprocessors;
}

static cudaError_t launch_with_attribute(int blocks, void** arguments, cudaStream_t stream) {
  cudaLaunchAttribute attribute{};
  attribute.id = cudaLaunchAttributeCooperative;
  attribute.val.cooperative = 1;
  cudaLaunchConfig_t config{};
  config.gridDim = dim3(blocks);
  config.blockDim = dim3(kThreads);
  config.stream = stream;
  config.attrs = &attribute;
  config.numAttrs = 1;
  return cudaLaunchKernelExC(&config, reinterpret_cast<const void*>(exchange), arguments);
}

int main() {
  int supported = 0;
  CHECK(cudaDeviceGetAttribute(&supported, cudaDevAttrCooperativeLaunch, 0));
  REQUIRE(supported == 1, "the attribute is %d", supported);
  int blocks = most_blocks();
  REQUIRE(blocks > 0, "%d blocks fit", blocks);

  unsigned long long* values = nullptr;
  unsigned long long* results = nullptr;
  const size_t bytes = 2 * blocks * sizeof(unsigned long long);
  CHECK(cudaMallocManaged(&values, bytes));
  CHECK(cudaMallocManaged(&results, bytes));
  cudaStream_t stream = nullptr;
  CHECK(cudaStreamCreate(&stream));
  void* arguments[] = {&values, &blocks, &results};

  const std::vector<unsigned long long> wanted = expected(blocks);
  const auto run = [&](auto launch) {
    CHECK(cudaMemset(values, 0, bytes));
    CHECK(cudaMemset(results, 0xff, bytes));
    CHECK(launch());
    CHECK(cudaStreamSynchronize(stream));
    for (int i = 0; i < blocks; ++i)
      REQUIRE(results[i] == wanted[i], "block %d: %llu, not %llu", i, results[i], wanted[i]);
  };
  run([&] {
    return cudaLaunchCooperativeKernel(exchange, dim3(blocks), dim3(kThreads), arguments, 0, stream);
  });
  run([&] { return launch_with_attribute(blocks, arguments, stream); });

  // Captured, the launch stays cooperative.
  cudaGraph_t graph = nullptr;
  cudaGraphExec_t executable = nullptr;
  CHECK(cudaStreamBeginCapture(stream, cudaStreamCaptureModeGlobal));
  CHECK(launch_with_attribute(blocks, arguments, stream));
  CHECK(cudaStreamEndCapture(stream, &graph));
  CHECK(cudaGraphInstantiate(&executable, graph, 0));
  run([&] { return cudaGraphLaunch(executable, stream); });

  EXPECT_STATUS(cudaLaunchCooperativeKernel(exchange, dim3(blocks + 1), dim3(kThreads), arguments, 0, stream),
                cudaErrorCooperativeLaunchTooLarge);
  EXPECT_STATUS(cudaGetLastError(), cudaErrorCooperativeLaunchTooLarge);
  run([&] { return launch_with_attribute(blocks, arguments, stream); });

  // Without the attribute the barrier has nowhere to count: the kernel traps.
  exchange<<<1, kThreads, 0, stream>>>(values, blocks, results);
  EXPECT_STATUS(cudaStreamSynchronize(stream), cudaErrorLaunchFailure);
  return passed("cooperative_launch: %d blocks met %d times", blocks, 2 * kRounds);
}
