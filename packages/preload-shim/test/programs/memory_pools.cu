// Stream-ordered allocation: pools, their attributes and limits, and memory that is used between malloc and
// free.
#include <cstdint>

#include "check.h"

__global__ void count_up(int* values, int count) {
  const int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i < count) values[i] += i;
}

std::uint64_t attribute(cudaMemPool_t pool, cudaMemPoolAttr which) {
  std::uint64_t value = ~std::uint64_t{0};
  CHECK(cudaMemPoolGetAttribute(pool, which, &value));
  return value;
}

void use_memory(cudaStream_t stream) {
  constexpr int kCount = 1000;
  int* values = nullptr;
  static int host[kCount];
  CHECK(cudaMallocAsync(&values, sizeof host, stream));
  CHECK(cudaMemsetAsync(values, 0, sizeof host, stream));
  count_up<<<4, 256, 0, stream>>>(values, kCount);
  CHECK(cudaMemcpyAsync(host, values, sizeof host, cudaMemcpyDeviceToHost, stream));
  CHECK(cudaFreeAsync(values, stream));
  CHECK(cudaStreamSynchronize(stream));
  for (int i = 0; i < kCount; ++i) REQUIRE(host[i] == i, "element %d is %d", i, host[i]);
  EXPECT_STATUS(cudaFreeAsync(values, stream), cudaErrorInvalidValue);
}

void count_memory(cudaMemPool_t pool, cudaStream_t stream) {
  void* small = nullptr;
  void* large = nullptr;
  const std::uint64_t before = attribute(pool, cudaMemPoolAttrUsedMemCurrent);
  CHECK(cudaMallocFromPoolAsync(&small, 1000, pool, stream));
  CHECK(cudaMallocFromPoolAsync(&large, 100000, pool, stream));
  REQUIRE(attribute(pool, cudaMemPoolAttrUsedMemCurrent) >= before + 101000, "used memory is not counted");
  REQUIRE(attribute(pool, cudaMemPoolAttrReservedMemCurrent) >= before + 101000, "reserved is not counted");
  CHECK(cudaFreeAsync(large, stream));
  CHECK(cudaFree(small));  // either function frees either kind
  CHECK(cudaStreamSynchronize(stream));
  REQUIRE(attribute(pool, cudaMemPoolAttrUsedMemCurrent) == before, "freed memory is still counted");
  REQUIRE(attribute(pool, cudaMemPoolAttrUsedMemHigh) >= before + 101000, "the high mark is too low");
  std::uint64_t zero = 0, one = 1;
  CHECK(cudaMemPoolSetAttribute(pool, cudaMemPoolAttrUsedMemHigh, &zero));
  REQUIRE(attribute(pool, cudaMemPoolAttrUsedMemHigh) == before, "the high mark was not set back");
  EXPECT_STATUS(cudaMemPoolSetAttribute(pool, cudaMemPoolAttrUsedMemHigh, &one), cudaErrorInvalidValue);
  EXPECT_STATUS(cudaMemPoolSetAttribute(pool, cudaMemPoolAttrUsedMemCurrent, &zero), cudaErrorInvalidValue);
}

void own_pool(cudaStream_t stream) {
  cudaMemPoolProps properties = {};
  cudaMemPool_t pool = nullptr, current = nullptr, standard = nullptr;
  properties.allocType = cudaMemAllocationTypePinned;
  properties.location.type = cudaMemLocationTypeDevice;
  properties.maxSize = 32 << 20;
  CHECK(cudaMemPoolCreate(&pool, &properties));
  count_memory(pool, stream);

  int on = -1;
  std::uint64_t threshold = 1 << 20;
  CHECK(cudaMemPoolGetAttribute(pool, cudaMemPoolReuseAllowOpportunistic, &on));
  REQUIRE(on == 1, "opportunistic reuse is %d at first", on);
  on = 0;
  CHECK(cudaMemPoolSetAttribute(pool, cudaMemPoolReuseAllowOpportunistic, &on));
  on = -1;
  CHECK(cudaMemPoolGetAttribute(pool, cudaMemPoolReuseAllowOpportunistic, &on));
  REQUIRE(on == 0, "opportunistic reuse is %d", on);
  CHECK(cudaMemPoolSetAttribute(pool, cudaMemPoolAttrReleaseThreshold, &threshold));
  REQUIRE(attribute(pool, cudaMemPoolAttrReleaseThreshold) == 1 << 20, "the threshold was not kept");
  CHECK(cudaMemPoolTrimTo(pool, 0));

  cudaMemAccessFlags access = cudaMemAccessFlagsProtNone;
  CHECK(cudaMemPoolGetAccess(&access, pool, &properties.location));
  REQUIRE(access == cudaMemAccessFlagsProtReadWrite, "the pool's own device has access %d", access);

  CHECK(cudaDeviceSetMemPool(0, pool));
  CHECK(cudaDeviceGetMemPool(&current, 0));
  REQUIRE(current == pool, "the current pool is another");
  void* memory = nullptr;
  CHECK(cudaMallocAsync(&memory, 4096, stream));
  REQUIRE(attribute(pool, cudaMemPoolAttrUsedMemCurrent) >= 4096, "memory came from another pool");
  // Beyond the pool's limit, though the device has more. Not an error that stays.
  void* more = nullptr;
  EXPECT_STATUS(cudaMallocAsync(&more, 64 << 20, stream), cudaErrorMemoryAllocation);
  EXPECT_STATUS(cudaGetLastError(), cudaErrorMemoryAllocation);
  CHECK(cudaMemPoolDestroy(pool));
  EXPECT_STATUS(cudaMemPoolTrimTo(pool, 0), cudaErrorInvalidValue);
  CHECK(cudaDeviceGetMemPool(&current, 0));
  CHECK(cudaDeviceGetDefaultMemPool(&standard, 0));
  REQUIRE(current == standard, "the destroyed pool is still current");
  EXPECT_STATUS(cudaMemPoolDestroy(standard), cudaErrorInvalidValue);
  CHECK(cudaFreeAsync(memory, stream));
}

int main() {
  cudaStream_t stream;
  cudaMemPool_t pool = nullptr;
  int supported = 0;
  CHECK(cudaDeviceGetAttribute(&supported, cudaDevAttrMemoryPoolsSupported, 0));
  REQUIRE(supported == 1, "the device says that it has no memory pools");
  CHECK(cudaStreamCreate(&stream));
  use_memory(stream);
  use_memory(nullptr);
  CHECK(cudaDeviceGetDefaultMemPool(&pool, 0));
  count_memory(pool, stream);
  own_pool(stream);
  EXPECT_STATUS(cudaDeviceGetDefaultMemPool(&pool, 7), cudaErrorInvalidDevice);
  EXPECT_STATUS(cudaDeviceGetDefaultMemPool(nullptr, 0), cudaErrorInvalidValue);
  EXPECT_STATUS(cudaMemPoolCreate(&pool, nullptr), cudaErrorInvalidValue);
  CHECK(cudaStreamDestroy(stream));
  return passed("memory pools");
}
