// Exclusive prefix sum of an array in three launches: scan each block, scan the block totals, add them back.
#include <vector>

#include "check.h"

constexpr int kBlock = 256;
constexpr int kItems = 2 * kBlock;  // each thread owns two elements

/// Work-efficient scan of one tile in place (up-sweep, then down-sweep); returns the tile's total to every
/// thread.
__device__ unsigned scan_tile(unsigned* tile) {
  for (int stride = 1; stride < kItems; stride *= 2) {
    __syncthreads();
    const int right = (threadIdx.x + 1) * 2 * stride - 1;
    if (right < kItems) tile[right] += tile[right - stride];
  }
  __syncthreads();
  const unsigned total = tile[kItems - 1];
  __syncthreads();
  if (threadIdx.x == 0) tile[kItems - 1] = 0;
  for (int stride = kItems / 2; stride > 0; stride /= 2) {
    __syncthreads();
    const int right = (threadIdx.x + 1) * 2 * stride - 1;
    if (right < kItems) {
      const unsigned left = tile[right - stride];
      tile[right - stride] = tile[right];
      tile[right] += left;
    }
  }
  __syncthreads();
  return total;
}

__global__ void scan_blocks(const unsigned* input, unsigned* output, int count, unsigned* totals) {
  extern __shared__ unsigned tile[];
  const int first = blockIdx.x * kItems;
  for (int item = threadIdx.x; item < kItems; item += kBlock) {
    tile[item] = first + item < count ? input[first + item] : 0;
  }
  const unsigned total = scan_tile(tile);
  for (int item = threadIdx.x; item < kItems; item += kBlock) {
    if (first + item < count) output[first + item] = tile[item];
  }
  if (threadIdx.x == 0 && totals != nullptr) totals[blockIdx.x] = total;
}

__global__ void add_totals(unsigned* output, int count, const unsigned* totals) {
  const int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i < count) output[i] += totals[i / kItems];
}

int main() {
  constexpr int kCount = 70001;
  constexpr int kBlocks = (kCount + kItems - 1) / kItems;
  static_assert(kBlocks <= kItems, "the block totals must fit in one tile");
  std::vector<unsigned> input(kCount), output(kCount);
  for (int i = 0; i < kCount; ++i) input[i] = i * 2654435761u >> 16;  // the sums wrap around

  unsigned *device_input = nullptr, *device_output = nullptr, *device_totals = nullptr;
  CHECK(cudaMalloc(&device_input, kCount * sizeof(unsigned)));
  CHECK(cudaMalloc(&device_output, kCount * sizeof(unsigned)));
  CHECK(cudaMalloc(&device_totals, kBlocks * sizeof(unsigned)));
  CHECK(cudaMemcpy(device_input, input.data(), kCount * sizeof(unsigned), cudaMemcpyHostToDevice));
  constexpr std::size_t kShared = kItems * sizeof(unsigned);
  scan_blocks<<<kBlocks, kBlock, kShared>>>(device_input, device_output, kCount, device_totals);
  CHECK(cudaGetLastError());
  scan_blocks<<<1, kBlock, kShared>>>(device_totals, device_totals, kBlocks, nullptr);
  CHECK(cudaGetLastError());
  add_totals<<<(kCount + 191) / 192, 192>>>(device_output, kCount, device_totals);
  CHECK(cudaGetLastError());
  CHECK(cudaMemcpy(output.data(), device_output, kCount * sizeof(unsigned), cudaMemcpyDeviceToHost));
  CHECK(cudaFree(device_input));
  CHECK(cudaFree(device_output));
  CHECK(cudaFree(device_totals));

  unsigned sum = 0;
  for (int i = 0; i < kCount; ++i) {
    REQUIRE(output[i] == sum, "element %d is %u, expected %u", i, output[i], sum);
    sum += input[i];
  }
  return passed("prefix sum of %d integers", kCount);
}
