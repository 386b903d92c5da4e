// The second translation unit of modules.cu.
#include "check.h"

static __device__ int factor = 5;

static __global__ void scale(int* values, int count) {
  for (int i = threadIdx.x; i < count; i += blockDim.x) values[i] *= factor;
}

void other_module_scale(int* device_values, int count) {
  scale<<<1, 50>>>(device_values, count);
  CHECK(cudaGetLastError());
}

int other_module_read_factor() {
  int value = 0;
  CHECK(cudaMemcpyFromSymbol(&value, factor, sizeof value));
  return value;
}
