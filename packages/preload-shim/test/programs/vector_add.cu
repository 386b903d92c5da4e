// Adds two integer vectors, one element a thread; the last block is only partly used.
#include <vector>

#include "check.h"

__global__ void add(const int* a, const int* b, int* sum, int count) {
  const int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i < count) sum[i] = a[i] + b[i];
}

int main() {
  constexpr int kCount = 10007;
  constexpr int kBlock = 192;
  constexpr std::size_t kBytes = kCount * sizeof(int);
  std::vector<int> a(kCount), b(kCount), sum(kCount, -1);
  for (int i = 0; i < kCount; ++i) {
    a[i] = i * 3 - 5000;
    b[i] = 70000 - i * i;
  }

  int *device_a = nullptr, *device_b = nullptr, *device_sum = nullptr;
  CHECK(cudaMalloc(&device_a, kBytes));
  CHECK(cudaMalloc(&device_b, kBytes));
  CHECK(cudaMalloc(&device_sum, kBytes));
  CHECK(cudaMemcpy(device_a, a.data(), kBytes, cudaMemcpyHostToDevice));
  CHECK(cudaMemcpy(device_b, b.data(), kBytes, cudaMemcpyHostToDevice));
  add<<<(kCount + kBlock - 1) / kBlock, kBlock>>>(device_a, device_b, device_sum, kCount);
  CHECK(cudaGetLastError());
  CHECK(cudaMemcpy(sum.data(), device_sum, kBytes, cudaMemcpyDeviceToHost));
  CHECK(cudaFree(device_a));
  CHECK(cudaFree(device_b));
  CHECK(cudaFree(device_sum));

  for (int i = 0; i < kCount; ++i) REQUIRE(sum[i] == a[i] + b[i], "element %d is %d", i, sum[i]);
  return passed("vector add of %d integers", kCount);
}
