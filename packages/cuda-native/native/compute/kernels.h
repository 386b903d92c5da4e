// Loops over contiguous elements on one thread: the part that is compiled for several instruction sets. All
// of them give the same bits: sums have a fixed number of partial sums, and nothing is fused.
#pragma once

#include <cstddef>
#include <cstdint>

#include "compute/element_type.h"

namespace vgpu::compute {

template <typename T>
using Sum = std::conditional_t<std::is_floating_point_v<T>, double, Wide>;

/** Of no elements: `least` is the greatest value there is and `greatest` the least. −0 is less than +0. */
template <typename T>
struct Extremes {
  T least;
  T greatest;
  /** A NaN was among them; the other two are without meaning then. */
  bool unordered;
};

/** `out` may be an input, but overlap none otherwise. Integers wrap around. */
template <typename T>
struct Kernels {
  Sum<T> (*sum)(const T* x, std::size_t count);
  Extremes<T> (*extremes)(const T* x, std::size_t count);
  /** Exact for 32-bit integers. Null for 64-bit ones, whose products do not fit. */
  Sum<T> (*dot)(const T* x, const T* y, std::size_t count);
  /** Of floats, the sum of (x - y)² in the order of dot(); else null. */
  Sum<T> (*squaredDistance)(const T* x, const T* y, std::size_t count);
  void (*add)(const T* x, const T* y, T* out, std::size_t count);
  void (*sub)(const T* x, const T* y, T* out, std::size_t count);
  void (*mul)(const T* x, const T* y, T* out, std::size_t count);
  /** Integers: towards 0. No divisor may be 0. */
  void (*div)(const T* x, const T* y, T* out, std::size_t count);
  void (*scale)(const T* x, T factor, T* out, std::size_t count);
  void (*axpy)(T alpha, const T* x, const T* y, T* out, std::size_t count);
  /** By ElementType. Numbers out of range become the nearest one, NaN becomes 0; integers wrap around. */
  void (*cast[elementTypes])(const T* x, void* out, std::size_t count);
};

struct KernelTable {
  Kernels<float> f32;
  Kernels<double> f64;
  Kernels<std::int32_t> i32;
  Kernels<std::uint32_t> u32;
  Kernels<std::int64_t> i64;
  Kernels<std::uint64_t> u64;
};

namespace portable {
KernelTable kernelTable();
}
namespace avx2 {
KernelTable kernelTable();
}
namespace avx512 {
KernelTable kernelTable();
}

/** The table for this processor. VGPU_COMPUTE_PATH (portable, avx2, avx512) chooses another one that it has.
 */
const KernelTable& kernelTable();
/** Which one that is. */
const char* kernelPath();

template <typename T>
const Kernels<T>& kernels() {
  const KernelTable& table = kernelTable();
  if constexpr (typeOf<T>() == ElementType::f32) return table.f32;
  if constexpr (typeOf<T>() == ElementType::f64) return table.f64;
  if constexpr (typeOf<T>() == ElementType::i32) return table.i32;
  if constexpr (typeOf<T>() == ElementType::u32) return table.u32;
  if constexpr (typeOf<T>() == ElementType::i64) return table.i64;
  if constexpr (typeOf<T>() == ElementType::u64) return table.u64;
}

}  // namespace vgpu::compute
