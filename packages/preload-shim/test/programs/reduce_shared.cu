// Sum, minimum and maximum of an array: a tree in shared memory for each block, then a second launch over the
// blocks.
#include <algorithm>
#include <climits>
#include <vector>

#include "check.h"

struct Summary {
  long long sum;
  int minimum;
  int maximum;
};

__device__ Summary combine(const Summary& a, const Summary& b) {
  return {a.sum + b.sum, min(a.minimum, b.minimum), max(a.maximum, b.maximum)};
}

constexpr int kBlock = 256;

__device__ void reduce_block(Summary mine, Summary* result) {
  __shared__ Summary partial[kBlock];
  partial[threadIdx.x] = mine;
  __syncthreads();
  for (int width = kBlock / 2; width > 0; width /= 2) {
    if (threadIdx.x < width)
      partial[threadIdx.x] = combine(partial[threadIdx.x], partial[threadIdx.x + width]);
    __syncthreads();
  }
  if (threadIdx.x == 0) *result = partial[0];
}

__global__ void reduce_values(const int* values, int count, Summary* blocks) {
  const int i = blockIdx.x * blockDim.x + threadIdx.x;
  const Summary mine = i < count ? Summary{values[i], values[i], values[i]} : Summary{0, INT_MAX, INT_MIN};
  reduce_block(mine, &blocks[blockIdx.x]);
}

__global__ void reduce_blocks(const Summary* blocks, int count, Summary* total) {
  Summary mine{0, INT_MAX, INT_MIN};
  for (int i = threadIdx.x; i < count; i += kBlock) mine = combine(mine, blocks[i]);
  reduce_block(mine, total);
}

int main() {
  constexpr int kCount = 100003;
  constexpr int kBlocks = (kCount + kBlock - 1) / kBlock;
  std::vector<int> values(kCount);
  for (int i = 0; i < kCount; ++i) values[i] = static_cast<int>(i * 2654435761u);

  int* device_values = nullptr;
  Summary *device_blocks = nullptr, *device_total = nullptr;
  CHECK(cudaMalloc(&device_values, kCount * sizeof(int)));
  CHECK(cudaMalloc(&device_blocks, kBlocks * sizeof(Summary)));
  CHECK(cudaMalloc(&device_total, sizeof(Summary)));
  CHECK(cudaMemcpy(device_values, values.data(), kCount * sizeof(int), cudaMemcpyHostToDevice));
  reduce_values<<<kBlocks, kBlock>>>(device_values, kCount, device_blocks);
  CHECK(cudaGetLastError());
  reduce_blocks<<<1, kBlock>>>(device_blocks, kBlocks, device_total);
  CHECK(cudaGetLastError());
  Summary total{};
  CHECK(cudaMemcpy(&total, device_total, sizeof total, cudaMemcpyDeviceToHost));
  CHECK(cudaFree(device_values));
  CHECK(cudaFree(device_blocks));
  CHECK(cudaFree(device_total));

  long long sum = 0;
  for (const int value : values) sum += value;
  const auto [minimum, maximum] = std::minmax_element(values.begin(), values.end());
  REQUIRE(total.sum == sum, "sum is %lld, expected %lld", total.sum, sum);
  REQUIRE(total.minimum == *minimum, "minimum is %d, expected %d", total.minimum, *minimum);
  REQUIRE(total.maximum == *maximum, "maximum is %d, expected %d", total.maximum, *maximum);
  return passed("reduction of %d integers in shared memory", kCount);
}
