// Pinned memory, asynchronous copies in two streams, and events that order one stream after the other.
#include <cmath>

#include "check.h"

__global__ void square_and_add(int* values, int count, int addend) {
  const int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i < count) values[i] = values[i] * values[i] + addend;
}

__global__ void sum_pairs(const int* left, const int* right, int* sums, int count) {
  const int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i < count) sums[i] = left[i] + right[i];
}

constexpr int kCount = 9001;
constexpr std::size_t kBytes = kCount * sizeof(int);
constexpr int kBlock = 128;
constexpr int kGrid = (kCount + kBlock - 1) / kBlock;

int main() {
  int *left = nullptr, *right = nullptr, *sums = nullptr;
  CHECK(cudaMallocHost(&left, kBytes));
  CHECK(cudaHostAlloc(&right, kBytes, cudaHostAllocDefault));
  CHECK(cudaMallocHost(&sums, kBytes));
  for (int i = 0; i < kCount; ++i) {
    left[i] = i % 301;
    right[i] = 150 - i % 299;
    sums[i] = -1;
  }
  int *device_left = nullptr, *device_right = nullptr, *device_sums = nullptr;
  CHECK(cudaMalloc(&device_left, kBytes));
  CHECK(cudaMalloc(&device_right, kBytes));
  CHECK(cudaMalloc(&device_sums, kBytes));

  cudaStream_t first, second;
  CHECK(cudaStreamCreate(&first));
  CHECK(cudaStreamCreateWithFlags(&second, cudaStreamNonBlocking));
  cudaEvent_t start, right_ready, stop;
  CHECK(cudaEventCreate(&start));
  CHECK(cudaEventCreateWithFlags(&right_ready, cudaEventDisableTiming));
  CHECK(cudaEventCreate(&stop));

  CHECK(cudaEventRecord(start, first));
  CHECK(cudaMemcpyAsync(device_left, left, kBytes, cudaMemcpyHostToDevice, first));
  square_and_add<<<kGrid, kBlock, 0, first>>>(device_left, kCount, 7);
  CHECK(cudaGetLastError());
  CHECK(cudaMemcpyAsync(device_right, right, kBytes, cudaMemcpyHostToDevice, second));
  square_and_add<<<kGrid, kBlock, 0, second>>>(device_right, kCount, -9);
  CHECK(cudaGetLastError());
  CHECK(cudaEventRecord(right_ready, second));
  CHECK(cudaStreamWaitEvent(first, right_ready, 0));
  sum_pairs<<<kGrid, kBlock, 0, first>>>(device_left, device_right, device_sums, kCount);
  CHECK(cudaGetLastError());
  CHECK(cudaMemcpyAsync(sums, device_sums, kBytes, cudaMemcpyDeviceToHost, first));
  CHECK(cudaMemsetAsync(device_sums, 0, kBytes, first));
  CHECK(cudaEventRecord(stop, first));

  CHECK(cudaEventSynchronize(stop));
  CHECK(cudaEventQuery(stop));
  CHECK(cudaEventQuery(right_ready));
  CHECK(cudaStreamQuery(first));
  for (int i = 0; i < kCount; ++i) {
    const int l = i % 301, r = 150 - i % 299;
    REQUIRE(sums[i] == l * l + 7 + r * r - 9, "element %d is %d", i, sums[i]);
  }

  float milliseconds = -1;
  CHECK(cudaEventElapsedTime(&milliseconds, start, stop));
  REQUIRE(std::isfinite(milliseconds) && milliseconds >= 0, "elapsed time is %f ms", milliseconds);
  // An event without timing has no time to compare.
  EXPECT_STATUS(cudaEventElapsedTime(&milliseconds, start, right_ready), cudaErrorInvalidResourceHandle);

  CHECK(cudaStreamSynchronize(second));
  CHECK(cudaMemcpyAsync(sums, device_sums, kBytes, cudaMemcpyDeviceToHost, second));
  CHECK(cudaStreamSynchronize(second));
  for (int i = 0; i < kCount; ++i) REQUIRE(sums[i] == 0, "element %d is %d after the memset", i, sums[i]);
  CHECK(cudaDeviceSynchronize());

  CHECK(cudaEventDestroy(start));
  CHECK(cudaEventDestroy(right_ready));
  CHECK(cudaEventDestroy(stop));
  CHECK(cudaStreamDestroy(first));
  CHECK(cudaStreamDestroy(second));
  CHECK(cudaFree(device_left));
  CHECK(cudaFree(device_right));
  CHECK(cudaFree(device_sums));
  CHECK(cudaFreeHost(left));
  CHECK(cudaFreeHost(right));
  CHECK(cudaFreeHost(sums));
  return passed("two streams, three events and pinned memory");
}
