// Sums by a warp: 32 partial sums, in the order of the CPU path (native/compute/kernels.cpp): lane i has the
// elements i, i + 32, …
#pragma once

#include "common.cuh"

namespace vgpu::kernels {

constexpr unsigned kAll = 0xffffffff;

/** Sums in pairs: 8 apart and 16 apart, then neighbours. */
__device__ inline f64 total(f64 sum) {
  for (const int distance : {8, 16, 1, 2, 4}) sum = __dadd_rn(sum, __shfl_xor_sync(kAll, sum, distance));
  return sum;
}

/** Exact: of 128 bits. */
__device__ inline __int128 total(__int128 sum) {
  for (int distance = 1; distance < 32; distance *= 2) {
    const auto low = static_cast<u64>(sum);
    const auto high = static_cast<u64>(sum >> 64);
    const u64 otherLow = __shfl_xor_sync(kAll, low, distance);
    const u64 otherHigh = __shfl_xor_sync(kAll, high, distance);
    sum += static_cast<__int128>((static_cast<unsigned __int128>(otherHigh) << 64) | otherLow);
  }
  return sum;
}

/** Wraps around. */
template <typename Bits>
__device__ Bits wrappingTotal(Bits sum) {
  for (int distance = 1; distance < 32; distance *= 2) sum += __shfl_xor_sync(kAll, sum, distance);
  return sum;
}

template <typename T>
struct SumOf {
  using type = __int128;
};
template <>
struct SumOf<f32> {
  using type = f64;
};
template <>
struct SumOf<f64> {
  using type = f64;
};

__device__ inline f64 plus(f64 one, f64 other) {
  return __dadd_rn(one, other);
}
__device__ inline __int128 plus(__int128 one, __int128 other) {
  return one + other;
}

template <typename T>
__device__ typename SumOf<T>::type product(T x, T y) {
  if constexpr (static_cast<T>(0.5) != T{0}) {
    return __dmul_rn(static_cast<f64>(x), static_cast<f64>(y));
  } else {
    return static_cast<__int128>(static_cast<i64>(x)) * static_cast<i64>(y);
  }
}

/** Of first … last by a whole warp. */
template <typename T, typename Term>
__device__ typename SumOf<T>::type sumPart(u64 first, u64 last, Term term) {
  typename SumOf<T>::type sum = 0;
  for (u64 i = first + threadIdx.x % 32; i < last; i += 32) sum = plus(sum, term(i));
  return total(sum);
}

}  // namespace vgpu::kernels
