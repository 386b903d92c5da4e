// Built with --default-stream per-thread: every call then goes to the form for the thread's own default
// stream.
#include <thread>

#include "check.h"

__device__ int symbol;

__global__ void fill(int* values, int count, int value) {
  const int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i < count) values[i] = value + i;
}

void work(int value) {
  constexpr int kCount = 500;
  int* device = nullptr;
  int host[kCount] = {}, rows[10][50] = {};
  CHECK(cudaMallocAsync(&device, sizeof host, nullptr));
  CHECK(cudaMemset(device, 0, sizeof host));
  fill<<<2, 256>>>(device, kCount, value);
  CHECK(cudaMemcpyAsync(host, device, sizeof host, cudaMemcpyDeviceToHost));
  CHECK(cudaStreamSynchronize(nullptr));
  CHECK(cudaMemcpy2D(rows, 200, device, 200, 200, 10, cudaMemcpyDeviceToHost));
  for (int i = 0; i < kCount; ++i) {
    REQUIRE(host[i] == value + i && rows[i / 50][i % 50] == value + i, "element %d is %d", i, host[i]);
  }
  CHECK(cudaFreeAsync(device, nullptr));
}

int main() {
  unsigned long long own = 0, legacy = 0, named = 0;
  CHECK(cudaStreamGetId(nullptr, &own));
  CHECK(cudaStreamGetId(cudaStreamPerThread, &named));
  CHECK(cudaStreamGetId(cudaStreamLegacy, &legacy));
  REQUIRE(own == named && own != legacy, "streams %llu, %llu, %llu", own, named, legacy);
  std::thread other(work, 1000);
  work(5);
  other.join();
  const int sent = 77;
  int found = 0;
  CHECK(cudaMemcpyToSymbol(symbol, &sent, sizeof sent));
  CHECK(cudaMemcpyFromSymbol(&found, symbol, sizeof found));
  REQUIRE(found == 77, "the symbol is %d", found);
  EXPECT_STATUS(cudaMemcpy(&found, nullptr, 4, cudaMemcpyDeviceToHost), cudaErrorInvalidValue);
  return passed("default streams of two threads");
}
