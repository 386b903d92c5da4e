// Races in shared memory. A comment FINDS names the mode and what the checker must find on its line.
#include "planted.h"

constexpr int kThreads = 128;

__global__ void reverse_without_barrier(int* out) {
  __shared__ int tile[kThreads];
  const int i = threadIdx.x;
  tile[i] = i;                      // FINDS reverse: race/write-after-read
  out[i] = tile[kThreads - 1 - i];  // FINDS reverse: race/read-after-write
}

__global__ void reduce_without_last_barrier(int* out) {
  __shared__ int sums[kThreads];
  const int i = threadIdx.x;
  sums[i] = i;
  __syncthreads();
  for (int step = kThreads / 2; step > 0; step /= 2) {
    if (i < step) sums[i] += sums[i + step];  // FINDS reduce: race/read-after-write
    if (step > 32) __syncthreads();
  }
  if (i == 0) out[0] = sums[0];
}

__global__ void everybody_writes(int* out) {
  __shared__ int last;
  last = threadIdx.x;  // FINDS same-place: race/write-after-write
  __syncthreads();
  out[threadIdx.x] = last;
}

__global__ void histogram_without_atomics(const int* in, int* out) {
  __shared__ int bins[8];
  if (threadIdx.x < 8) bins[threadIdx.x] = 0;
  __syncthreads();
  int& bin = bins[in[threadIdx.x] & 7];
  bin += 1;  // FINDS histogram: race/write-after-write, race/read-after-write, race/write-after-read
  __syncthreads();
  if (threadIdx.x < 8) out[threadIdx.x] = bins[threadIdx.x];
}

__global__ void reuse_too_early(int* out) {
  __shared__ int tile[kThreads];
  const int i = threadIdx.x;
  for (int round = 0; round < 2; ++round) {
    tile[i] = i + round;  // FINDS reuse: race/write-after-read
    __syncthreads();
    out[i] = tile[i ^ 32];  // FINDS reuse: race/read-after-write
  }
}

__global__ void warp_without_syncwarp(int* out) {
  __shared__ int tile[32];
  const int lane = threadIdx.x;
  tile[lane] = lane;
  out[lane] = tile[lane ^ 1];  // FINDS warp: race/read-after-write
}

int main(int count, char** arguments) {
  const Mode mode(count, arguments);
  int* out = device_integers(kThreads);
  CHECK(cudaMemset(out, 0, kThreads * sizeof(int)));
  if (mode.is("reverse")) reverse_without_barrier<<<1, kThreads>>>(out);
  if (mode.is("reduce")) reduce_without_last_barrier<<<1, kThreads>>>(out);
  if (mode.is("same-place")) everybody_writes<<<1, kThreads>>>(out);
  if (mode.is("histogram")) histogram_without_atomics<<<1, kThreads>>>(out, out);
  if (mode.is("reuse")) reuse_too_early<<<1, kThreads>>>(out);
  if (mode.is("warp")) warp_without_syncwarp<<<1, 32>>>(out);
  CHECK(cudaDeviceSynchronize());
  CHECK(cudaFree(out));
  return passed("%s", mode.name());
}
