// Dynamic shared memory: two arrays of different types in one piece, and more than 48 KiB after asking for
// it.
#include <algorithm>
#include <vector>

#include "check.h"

/// Reverses each block's elements; doubles and bytes share the dynamic part, next to a static array.
__global__ void reverse(const double* values, const unsigned char* marks, double* out,
                        unsigned char* marks_out, int count) {
  extern __shared__ double dynamic[];
  __shared__ int block_count;
  unsigned char* shared_marks = reinterpret_cast<unsigned char*>(dynamic + blockDim.x);
  const int first = blockIdx.x * blockDim.x, i = first + threadIdx.x;
  if (threadIdx.x == 0) block_count = min(static_cast<int>(blockDim.x), count - first);
  if (i < count) {
    dynamic[threadIdx.x] = values[i];
    shared_marks[threadIdx.x] = marks[i];
  }
  __syncthreads();
  if (i < count) {
    out[i] = dynamic[block_count - 1 - threadIdx.x];
    marks_out[i] = shared_marks[block_count - 1 - threadIdx.x];
  }
}

/// Writes the whole of its shared memory and adds it up again from the far end.
__global__ void fill(int words, unsigned long long* sum) {
  extern __shared__ unsigned words_shared[];
  for (int i = threadIdx.x; i < words; i += blockDim.x) words_shared[i] = i * 3u;
  __syncthreads();
  unsigned long long mine = 0;
  for (int i = threadIdx.x; i < words; i += blockDim.x) mine += words_shared[words - 1 - i];
  atomicAdd(sum, mine);
}

static void test_reverse() {
  constexpr int kCount = 1003, kBlock = 160;
  std::vector<double> values(kCount), out(kCount);
  std::vector<unsigned char> marks(kCount), marks_out(kCount);
  for (int i = 0; i < kCount; ++i) {
    values[i] = i / 3.0;
    marks[i] = static_cast<unsigned char>(i * 11);
  }
  double *device_values = nullptr, *device_out = nullptr;
  unsigned char *device_marks = nullptr, *device_marks_out = nullptr;
  CHECK(cudaMalloc(&device_values, kCount * sizeof(double)));
  CHECK(cudaMalloc(&device_out, kCount * sizeof(double)));
  CHECK(cudaMalloc(&device_marks, kCount));
  CHECK(cudaMalloc(&device_marks_out, kCount));
  CHECK(cudaMemcpy(device_values, values.data(), kCount * sizeof(double), cudaMemcpyHostToDevice));
  CHECK(cudaMemcpy(device_marks, marks.data(), kCount, cudaMemcpyHostToDevice));
  reverse<<<(kCount + kBlock - 1) / kBlock, kBlock, kBlock*(sizeof(double) + 1)>>>(
      device_values, device_marks, device_out, device_marks_out, kCount);
  CHECK(cudaGetLastError());
  CHECK(cudaMemcpy(out.data(), device_out, kCount * sizeof(double), cudaMemcpyDeviceToHost));
  CHECK(cudaMemcpy(marks_out.data(), device_marks_out, kCount, cudaMemcpyDeviceToHost));
  CHECK(cudaFree(device_values));
  CHECK(cudaFree(device_out));
  CHECK(cudaFree(device_marks));
  CHECK(cudaFree(device_marks_out));
  for (int i = 0; i < kCount; ++i) {
    const int first = i / kBlock * kBlock, last = std::min(first + kBlock, kCount) - 1,
              from = first + last - i;
    REQUIRE(out[i] == values[from], "element %d is %f, expected %f", i, out[i], values[from]);
    REQUIRE(marks_out[i] == marks[from], "mark %d is %u, expected %u", i, marks_out[i], marks[from]);
  }
}

static void test_large() {
  int limit = 0;
  CHECK(cudaDeviceGetAttribute(&limit, cudaDevAttrMaxSharedMemoryPerBlockOptin, 0));
  REQUIRE(limit >= 64 * 1024, "only %d bytes of shared memory on request", limit);
  const int words = limit / static_cast<int>(sizeof(unsigned));
  unsigned long long *device_sum = nullptr, sum = 0;
  CHECK(cudaMalloc(&device_sum, sizeof sum));
  CHECK(cudaMemset(device_sum, 0, sizeof sum));
  CHECK(cudaFuncSetAttribute(fill, cudaFuncAttributeMaxDynamicSharedMemorySize, limit));
  fill<<<1, 128, limit>>>(words, device_sum);
  CHECK(cudaGetLastError());
  CHECK(cudaMemcpy(&sum, device_sum, sizeof sum, cudaMemcpyDeviceToHost));
  CHECK(cudaFree(device_sum));
  const unsigned long long expected = 3ull * words * (words - 1) / 2;
  REQUIRE(sum == expected, "%d words add up to %llu, expected %llu", words, sum, expected);
}

int main() {
  test_reverse();
  test_large();
  return passed("dynamic shared memory");
}
