// Calls that the compiler does not dissolve: recursion, arrays in local memory, pointers into them, function
// pointers.
#include <vector>

#include "check.h"

__host__ __device__ __noinline__ unsigned ackermann(unsigned m, unsigned n) {
  if (m == 0) return n + 1;
  if (n == 0) return ackermann(m - 1, 1);
  return ackermann(m - 1, ackermann(m, n - 1));
}

__host__ __device__ __noinline__ void sort_few(int* values, int count) {
  for (int i = 1; i < count; ++i) {
    const int value = values[i];
    int k = i;
    for (; k > 0 && values[k - 1] > value; --k) values[k] = values[k - 1];
    values[k] = value;
  }
}

__host__ __device__ int median_of_nine(int seed) {
  int values[9];
  for (int i = 0; i < 9; ++i) values[i] = (seed * 31 + i * 57) % 101;
  sort_few(values, 3 + seed % 7);
  return values[4] * 1000 + values[seed % 9];
}

__host__ __device__ __noinline__ int twice(int value) {
  return value * 2;
}
__host__ __device__ __noinline__ int square(int value) {
  return value * value;
}
__host__ __device__ __noinline__ int negate(int value) {
  return -value;
}
typedef int (*Operation)(int);
__device__ Operation operations[3] = {twice, square, negate};

__global__ void run(int count, unsigned* ackermanns, int* medians, int* chosen) {
  const int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i >= count) return;
  ackermanns[i] = ackermann(i % 3, i % 5);  // the lanes descend to different depths
  medians[i] = median_of_nine(i);
  chosen[i] = operations[i % 3](i);  // the lanes call different functions
}

int main() {
  constexpr int kCount = 200;
  unsigned* device_ackermanns = nullptr;
  int *device_medians = nullptr, *device_chosen = nullptr;
  CHECK(cudaMalloc(&device_ackermanns, kCount * sizeof(unsigned)));
  CHECK(cudaMalloc(&device_medians, kCount * sizeof(int)));
  CHECK(cudaMalloc(&device_chosen, kCount * sizeof(int)));
  run<<<(kCount + 63) / 64, 64>>>(kCount, device_ackermanns, device_medians, device_chosen);
  CHECK(cudaGetLastError());
  std::vector<unsigned> ackermanns(kCount);
  std::vector<int> medians(kCount), chosen(kCount);
  CHECK(cudaMemcpy(ackermanns.data(), device_ackermanns, kCount * sizeof(unsigned), cudaMemcpyDeviceToHost));
  CHECK(cudaMemcpy(medians.data(), device_medians, kCount * sizeof(int), cudaMemcpyDeviceToHost));
  CHECK(cudaMemcpy(chosen.data(), device_chosen, kCount * sizeof(int), cudaMemcpyDeviceToHost));
  CHECK(cudaFree(device_ackermanns));
  CHECK(cudaFree(device_medians));
  CHECK(cudaFree(device_chosen));
  for (int i = 0; i < kCount; ++i) {
    const unsigned a = ackermann(i % 3, i % 5);
    const int c = i % 3 == 0 ? twice(i) : i % 3 == 1 ? square(i) : negate(i);
    REQUIRE(ackermanns[i] == a, "Ackermann of thread %d is %u, expected %u", i, ackermanns[i], a);
    REQUIRE(medians[i] == median_of_nine(i), "median of thread %d is %d", i, medians[i]);
    REQUIRE(chosen[i] == c, "function pointer of thread %d gave %d, expected %d", i, chosen[i], c);
  }
  return passed("recursion, local arrays and function pointers");
}
