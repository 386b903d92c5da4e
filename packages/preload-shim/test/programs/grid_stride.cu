// One small grid works through a long array in strides, with every shape of grid and block.
#include <vector>

#include "check.h"

__device__ unsigned mix(unsigned value) {
  value ^= value >> 16;
  value *= 0x7feb352du;
  value ^= value >> 15;
  return value;
}

/// Thread and block numbers in three dimensions, flattened in the order that CUDA documents (x runs fastest).
__global__ void visit(unsigned* visits, unsigned* mixed, long long count) {
  const long long thread =
      (static_cast<long long>(threadIdx.z) * blockDim.y + threadIdx.y) * blockDim.x + threadIdx.x;
  const long long block =
      (static_cast<long long>(blockIdx.z) * gridDim.y + blockIdx.y) * gridDim.x + blockIdx.x;
  const long long block_threads = static_cast<long long>(blockDim.x) * blockDim.y * blockDim.z;
  const long long blocks = static_cast<long long>(gridDim.x) * gridDim.y * gridDim.z;
  for (long long i = block * block_threads + thread; i < count; i += blocks * block_threads) {
    visits[i] += 1;
    mixed[i] = mix(static_cast<unsigned>(i));
  }
}

static unsigned mix_on_host(unsigned value) {
  value ^= value >> 16;
  value *= 0x7feb352du;
  return value ^ (value >> 15);
}

int main() {
  constexpr long long kCount = 20011;
  const dim3 shapes[][2] = {
      {dim3(3), dim3(33)}, {dim3(2, 3), dim3(16, 5)},       {dim3(2, 2, 3), dim3(4, 6, 7)},
      {dim3(1), dim3(1)},  {dim3(1, 1, 2), dim3(1, 1, 64)}, {dim3(1), dim3(1024)},
  };
  unsigned *device_visits = nullptr, *device_mixed = nullptr;
  CHECK(cudaMalloc(&device_visits, kCount * sizeof(unsigned)));
  CHECK(cudaMalloc(&device_mixed, kCount * sizeof(unsigned)));
  CHECK(cudaMemset(device_visits, 0, kCount * sizeof(unsigned)));
  unsigned launches = 0;
  std::vector<unsigned> visits(kCount), mixed(kCount);
  for (const auto& [grid, block] : shapes) {
    CHECK(cudaMemset(device_mixed, 0xee, kCount * sizeof(unsigned)));
    visit<<<grid, block>>>(device_visits, device_mixed, kCount);
    CHECK(cudaGetLastError());
    ++launches;
    CHECK(cudaMemcpy(visits.data(), device_visits, kCount * sizeof(unsigned), cudaMemcpyDeviceToHost));
    CHECK(cudaMemcpy(mixed.data(), device_mixed, kCount * sizeof(unsigned), cudaMemcpyDeviceToHost));
    for (long long i = 0; i < kCount; ++i) {
      REQUIRE(visits[i] == launches, "element %lld was visited %u times in %u launches", i, visits[i],
              launches);
      REQUIRE(mixed[i] == mix_on_host(static_cast<unsigned>(i)), "element %lld is %x", i, mixed[i]);
    }
  }
  CHECK(cudaFree(device_visits));
  CHECK(cudaFree(device_mixed));
  return passed("grid-stride loop over %lld elements in %u shapes", kCount, launches);
}
