// One program of two translation units, each with its own module: kernels and variables of the same name stay
// apart.
#include <vector>

#include "check.h"

// In modules_other.cu.
void other_module_scale(int* device_values, int count);
int other_module_read_factor();

static __device__ int factor = 3;

static __global__ void scale(int* values, int count) {
  const int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i < count) values[i] *= factor;
}

int main() {
  constexpr int kCount = 777;
  std::vector<int> values(kCount);
  for (int i = 0; i < kCount; ++i) values[i] = i - 300;
  int* device_values = nullptr;
  CHECK(cudaMalloc(&device_values, kCount * sizeof(int)));
  CHECK(cudaMemcpy(device_values, values.data(), kCount * sizeof(int), cudaMemcpyHostToDevice));

  scale<<<(kCount + 63) / 64, 64>>>(device_values, kCount);  // times 3
  CHECK(cudaGetLastError());
  other_module_scale(device_values, kCount);  // times 5
  const int new_factor = -7;
  CHECK(cudaMemcpyToSymbol(factor, &new_factor, sizeof new_factor));
  scale<<<(kCount + 63) / 64, 64>>>(device_values, kCount);  // times -7
  CHECK(cudaGetLastError());
  other_module_scale(device_values, kCount);  // still times 5

  std::vector<int> result(kCount);
  CHECK(cudaMemcpy(result.data(), device_values, kCount * sizeof(int), cudaMemcpyDeviceToHost));
  CHECK(cudaFree(device_values));
  REQUIRE(other_module_read_factor() == 5, "the other module's factor became %d", other_module_read_factor());
  for (int i = 0; i < kCount; ++i) {
    REQUIRE(result[i] == values[i] * 3 * 5 * -7 * 5, "element %d is %d", i, result[i]);
  }
  return passed("two modules with variables and kernels of the same names");
}
