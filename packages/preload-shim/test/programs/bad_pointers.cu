// Pointers that the device does not know, in every call that takes one; and requests for too much memory.
#include <cstdint>
#include <cstdlib>

#include "check.h"

__global__ void add_one(int* values) {
  values[threadIdx.x] += 1;
}

/// Every error here is the last error too, until it is fetched.
#define EXPECT_REFUSAL(call, expected)           \
  do {                                           \
    EXPECT_STATUS((call), (expected));           \
    EXPECT_STATUS(cudaGetLastError(), expected); \
    CHECK(cudaGetLastError());                   \
  } while (false)

static void test_free(int* device, int* freed, int* host) {
  CHECK(cudaFree(nullptr));
  EXPECT_REFUSAL(cudaFree(host), cudaErrorInvalidValue);
  EXPECT_REFUSAL(cudaFree(device + 1), cudaErrorInvalidValue);
  EXPECT_REFUSAL(cudaFree(freed), cudaErrorInvalidValue);
  EXPECT_REFUSAL(cudaFree(reinterpret_cast<void*>(std::uintptr_t{0x1234567000})), cudaErrorInvalidValue);
  CHECK(cudaFreeHost(nullptr));
  EXPECT_REFUSAL(cudaFreeHost(host), cudaErrorInvalidValue);
}

static void test_copy(int* device, int* freed, int* host, std::size_t bytes) {
  CHECK(cudaMemcpy(nullptr, nullptr, 0, cudaMemcpyHostToDevice));
  EXPECT_REFUSAL(cudaMemcpy(nullptr, host, bytes, cudaMemcpyHostToDevice), cudaErrorInvalidValue);
  EXPECT_REFUSAL(cudaMemcpy(host, nullptr, bytes, cudaMemcpyDeviceToHost), cudaErrorInvalidValue);
  EXPECT_REFUSAL(cudaMemcpy(freed, host, bytes, cudaMemcpyHostToDevice), cudaErrorInvalidValue);
  EXPECT_REFUSAL(cudaMemcpy(host, freed, bytes, cudaMemcpyDeviceToHost), cudaErrorInvalidValue);
  EXPECT_REFUSAL(cudaMemcpy(freed, device, bytes, cudaMemcpyDeviceToDevice), cudaErrorInvalidValue);
  EXPECT_REFUSAL(cudaMemcpy(host + 1, host, sizeof(int), cudaMemcpyHostToDevice), cudaErrorInvalidValue);
  EXPECT_REFUSAL(cudaMemcpy(device, host, bytes + 1, cudaMemcpyHostToDevice), cudaErrorInvalidValue);
  EXPECT_REFUSAL(cudaMemcpy(host, device + 1, bytes, cudaMemcpyDeviceToHost), cudaErrorInvalidValue);
  EXPECT_REFUSAL(cudaMemcpy(device, host, bytes, static_cast<cudaMemcpyKind>(77)),
                 cudaErrorInvalidMemcpyDirection);
  EXPECT_REFUSAL(cudaMemset(freed, 0, bytes), cudaErrorInvalidValue);
  EXPECT_REFUSAL(cudaMemset(device, 0, bytes + 1), cudaErrorInvalidValue);
  EXPECT_REFUSAL(cudaMemset(nullptr, 0, bytes), cudaErrorInvalidValue);
}

static void test_allocation() {
  void* pointer = &pointer;
  std::size_t pitch = 0, free_bytes = 0, total = 0;
  CHECK(cudaMemGetInfo(&free_bytes, &total));
  EXPECT_REFUSAL(cudaMalloc(&pointer, total * 2), cudaErrorMemoryAllocation);
  EXPECT_REFUSAL(cudaMalloc(&pointer, SIZE_MAX), cudaErrorMemoryAllocation);
  EXPECT_REFUSAL(cudaMallocPitch(&pointer, &pitch, 1 << 20, total >> 18), cudaErrorMemoryAllocation);
  EXPECT_REFUSAL(cudaMalloc(static_cast<void**>(nullptr), 100), cudaErrorInvalidValue);
  CHECK(cudaMalloc(&pointer, 0));
  REQUIRE(pointer == nullptr, "an allocation of 0 bytes gave %p", pointer);
}

int main() {
  constexpr int kCount = 64;
  constexpr std::size_t kBytes = kCount * sizeof(int);
  int* host = static_cast<int*>(std::calloc(kCount, sizeof(int)));
  int *device = nullptr, *freed = nullptr;
  CHECK(cudaMalloc(&device, kBytes));
  CHECK(cudaMalloc(&freed, kBytes));
  CHECK(cudaFree(freed));
  CHECK(cudaMemset(device, 0, kBytes));

  test_free(device, freed, host);
  test_copy(device, freed, host, kBytes);
  test_allocation();

  add_one<<<1, kCount>>>(device);
  CHECK(cudaGetLastError());
  CHECK(cudaMemcpy(host, device, kBytes, cudaMemcpyDeviceToHost));
  for (int i = 0; i < kCount; ++i) REQUIRE(host[i] == 1, "element %d is %d after the refusals", i, host[i]);
  CHECK(cudaFree(device));
  std::free(host);
  return passed("foreign pointers and oversized requests are refused, and the context lives on");
}
