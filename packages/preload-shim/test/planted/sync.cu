// Barriers that do not come together. A comment FINDS names the mode and what the checker must find on its
// line.
#include "planted.h"

__global__ void barrier_in_one_branch_of_a_warp(int* out) {
  if (threadIdx.x < 16) {
    out[threadIdx.x] = 1;
    __syncthreads();
  } else {
    out[threadIdx.x] = 2;
    asm volatile("bar.sync 0;" ::: "memory");  // FINDS branches: sync/divergent-barrier
  }
}

__global__ void named_barrier_for_too_many(int* out) {
  out[threadIdx.x] = 1;
  if (threadIdx.x < 32)
    asm volatile("bar.sync 1, 96;" ::: "memory");  // FINDS count: sync/barrier-not-reached
}

__global__ void two_barriers_for_two_warps(int* out) {
  out[threadIdx.x] = 1;
  if (threadIdx.x < 32) {
    asm volatile("bar.sync 1, 64;" ::: "memory");  // FINDS numbers: sync/barrier-not-reached
  } else {
    asm volatile("bar.sync 2, 64;" ::: "memory");
  }
}

__global__ void odd_thread_count(int* out) {
  out[threadIdx.x] = 1;
  asm volatile("bar.sync 1, 50;" ::: "memory");  // FINDS odd: sync/barrier-thread-count
}

__global__ void mask_of_exited_lanes(int* out) {
  if (threadIdx.x >= 16) return;
  __syncwarp();  // FINDS exited: sync/mask-names-exited-thread
  out[threadIdx.x] = 1;
}

__global__ void shuffle_of_exited_lanes(int* out) {
  if (threadIdx.x >= 20) return;
  const int other = __shfl_xor_sync(~0U, threadIdx.x, 1);  // FINDS shuffle: sync/mask-names-exited-thread
  out[threadIdx.x] = other;
}

__global__ void mask_without_caller(int* out) {
  __syncwarp(0x0000ffff);  // FINDS caller: sync/mask-without-caller
  out[threadIdx.x] = 1;
}

int main(int count, char** arguments) {
  const Mode mode(count, arguments);
  int* out = device_integers(64);
  if (mode.is("branches")) barrier_in_one_branch_of_a_warp<<<1, 32>>>(out);
  if (mode.is("count")) named_barrier_for_too_many<<<1, 64>>>(out);
  if (mode.is("numbers")) two_barriers_for_two_warps<<<1, 64>>>(out);
  if (mode.is("odd")) odd_thread_count<<<1, 64>>>(out);
  if (mode.is("exited")) mask_of_exited_lanes<<<1, 32>>>(out);
  if (mode.is("shuffle")) shuffle_of_exited_lanes<<<1, 32>>>(out);
  if (mode.is("caller")) mask_without_caller<<<1, 32>>>(out);
  const bool hangs = mode.is("count") || mode.is("numbers");
  EXPECT_STATUS(cudaDeviceSynchronize(), hangs ? cudaErrorLaunchFailure : cudaSuccess);
  return passed("%s", mode.name());
}
