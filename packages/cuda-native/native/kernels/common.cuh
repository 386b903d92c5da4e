// What all kernels share. Every kernel gets how many elements it is asked for and how many its buffers hold,
// and does the smaller number: a count that is wrong must not become an access outside a buffer.
#pragma once

#include <cuda/std/cstdint>

namespace vgpu::kernels {

using i32 = cuda::std::int32_t;
using u32 = cuda::std::uint32_t;
using i64 = cuda::std::int64_t;
using u64 = cuda::std::uint64_t;
using f32 = float;
using f64 = double;

__device__ inline u64 bounded(u64 count, u64 capacity) {
  return count < capacity ? count : capacity;
}

/** Whether so many rows of so many elements are there; what is more than 64 bits can tell never is. */
__device__ inline bool holds(u64 capacity, u64 rows, u64 columns) {
  return __umul64hi(rows, columns) == 0 && rows * columns <= capacity;
}

__device__ inline bool holds(u64 capacity, u64 count, u64 rows, u64 columns) {
  return __umul64hi(rows, columns) == 0 && holds(capacity, count, rows * columns);
}

__device__ inline u64 firstIndex() {
  return u64{blockIdx.x} * blockDim.x + threadIdx.x;
}

__device__ inline u64 indexStep() {
  return u64{gridDim.x} * blockDim.x;
}

}  // namespace vgpu::kernels

/** Once for each type of elements. */
#define VGPU_FOR_TYPES(MACRO) MACRO(f32) MACRO(f64) MACRO(i32) MACRO(u32) MACRO(i64) MACRO(u64)
