// Bitonic sort: long strides in global memory, short ones in shared memory; the length is filled up to a
// power of two.
#include <algorithm>
#include <climits>
#include <vector>

#include "check.h"

constexpr int kTile = 512;  // elements that a block sorts in shared memory, two a thread

__device__ void order_pair(int& low, int& high, bool ascending) {
  if ((low > high) == ascending) {
    const int old_low = low;
    low = high;
    high = old_low;
  }
}

/// All the strides below kTile of the merges from `first_run` to `last_run` elements.
__global__ void sort_tiles(int* keys, int first_run, int last_run) {
  __shared__ int tile[kTile];
  const int first = blockIdx.x * kTile;
  tile[threadIdx.x] = keys[first + threadIdx.x];
  tile[threadIdx.x + kTile / 2] = keys[first + threadIdx.x + kTile / 2];
  for (int run = first_run; run <= last_run; run *= 2) {
    for (int stride = min(run, kTile) / 2; stride > 0; stride /= 2) {
      __syncthreads();
      const int low = 2 * threadIdx.x - (threadIdx.x & (stride - 1));
      order_pair(tile[low], tile[low + stride], ((first + low) & run) == 0);
    }
  }
  __syncthreads();
  keys[first + threadIdx.x] = tile[threadIdx.x];
  keys[first + threadIdx.x + kTile / 2] = tile[threadIdx.x + kTile / 2];
}

__global__ void merge_far(int* keys, int run, int stride) {
  const int thread = blockIdx.x * blockDim.x + threadIdx.x;
  const int low = 2 * thread - (thread & (stride - 1));
  order_pair(keys[low], keys[low + stride], (low & run) == 0);
}

int main() {
  constexpr int kCount = 6007;
  constexpr int kPadded = 8192;
  std::vector<int> keys(kPadded, INT_MAX);
  for (int i = 0; i < kCount; ++i) keys[i] = static_cast<int>(i * 2654435761u) >> (i % 20);
  std::vector<int> expected(keys.begin(), keys.begin() + kCount);
  std::sort(expected.begin(), expected.end());

  int* device_keys = nullptr;
  CHECK(cudaMalloc(&device_keys, kPadded * sizeof(int)));
  CHECK(cudaMemcpy(device_keys, keys.data(), kPadded * sizeof(int), cudaMemcpyHostToDevice));
  sort_tiles<<<kPadded / kTile, kTile / 2>>>(device_keys, 2, kTile);
  CHECK(cudaGetLastError());
  for (int run = 2 * kTile; run <= kPadded; run *= 2) {
    for (int stride = run / 2; stride >= kTile; stride /= 2) {
      merge_far<<<kPadded / 2 / 128, 128>>>(device_keys, run, stride);
      CHECK(cudaGetLastError());
    }
    sort_tiles<<<kPadded / kTile, kTile / 2>>>(device_keys, run, run);
    CHECK(cudaGetLastError());
  }
  CHECK(cudaMemcpy(keys.data(), device_keys, kPadded * sizeof(int), cudaMemcpyDeviceToHost));
  CHECK(cudaFree(device_keys));

  for (int i = 0; i < kCount; ++i)
    REQUIRE(keys[i] == expected[i], "key %d is %d, expected %d", i, keys[i], expected[i]);
  return passed("bitonic sort of %d integers", kCount);
}
