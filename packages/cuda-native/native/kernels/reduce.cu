// One number of each block of 2^15 elements; the host puts them together. A warp sums its block in 32 partial
// sums, in the order of the CPU path (native/compute/kernels.cpp): lane i has the elements i, i + 32, …
#include "warp_sum.cuh"

namespace vgpu::kernels {
namespace {

constexpr u64 kBlock = u64{1} << 15;
/** Which block of elements this warp has, and where it ends. */
struct Part {
  u64 index;
  u64 first;
  u64 last;
};

__device__ Part partOf(u64 count) {
  const u64 index = firstIndex() / 32;
  const u64 first = index * kBlock;
  return {index, first, bounded(first + kBlock, count)};
}

/** An integer type in which the bits of T can be compared: negative floats have their bits below the sign
 * turned round. */
template <typename T>
struct Ordered {
  using Key = T;
  static __device__ Key key(T x) { return x; }
  static __device__ bool isNan(T) { return false; }
};
template <>
struct Ordered<f32> {
  using Key = i32;
  static __device__ Key key(f32 x) {
    const i32 bits = __float_as_int(x);
    return bits ^ ((bits >> 31) & 0x7fffffff);
  }
  static __device__ bool isNan(f32 x) { return x != x; }
};
template <>
struct Ordered<f64> {
  using Key = i64;
  static __device__ Key key(f64 x) {
    const i64 bits = __double_as_longlong(x);
    return bits ^ ((bits >> 63) & 0x7fffffffffffffff);
  }
  static __device__ bool isNan(f64 x) { return x != x; }
};

/** As it lies in memory: the host reads it. */
template <typename Key>
struct Extremes {
  Key least;
  Key greatest;
  u64 unordered;
};

template <typename T>
__device__ void extremesOf(const T* x, u64 count, Extremes<typename Ordered<T>::Key>* out, u64 outCapacity) {
  using Key = typename Ordered<T>::Key;
  const Part part = partOf(count);
  if (part.first >= count || part.index >= outCapacity) return;
  // The first element of the block is in it for all lanes: nothing to begin with has to be made up.
  Key least = Ordered<T>::key(x[part.first]);
  Key greatest = least;
  bool unordered = false;
  for (u64 i = part.first + threadIdx.x % 32; i < part.last; i += 32) {
    const Key key = Ordered<T>::key(x[i]);
    least = key < least ? key : least;
    greatest = key > greatest ? key : greatest;
    unordered |= Ordered<T>::isNan(x[i]);
  }
  for (int distance = 1; distance < 32; distance *= 2) {
    const Key low = __shfl_xor_sync(kAll, least, distance);
    const Key high = __shfl_xor_sync(kAll, greatest, distance);
    least = low < least ? low : least;
    greatest = high > greatest ? high : greatest;
  }
  unordered = __any_sync(kAll, unordered);
  if (threadIdx.x % 32 == 0) out[part.index] = {least, greatest, unordered ? u64{1} : u64{0}};
}

/** By a whole warp, in the order of dot(); unsigned integers wrap around. */
template <typename T>
__device__ T dotOfRow(const T* row, const T* x, u64 columns) {
  if constexpr (static_cast<T>(0.5) != T{0}) {
    return static_cast<T>(sumPart<T>(0, columns, [&](u64 i) { return product(row[i], x[i]); }));
  } else {
    T sum = 0;
    for (u64 i = threadIdx.x % 32; i < columns; i += 32) sum += row[i] * x[i];
    return wrappingTotal(sum);
  }
}

}  // namespace
}  // namespace vgpu::kernels

using namespace vgpu::kernels;

#define SUM(T)                                                                                         \
  extern "C" __global__ void sum_##T(const T* x, u64 count, u64 capacity, SumOf<T>::type* out,         \
                                     u64 outCapacity) {                                                \
    const Part part = partOf(bounded(count, capacity));                                                \
    if (part.first >= part.last || part.index >= outCapacity) return;                                  \
    const auto sum = sumPart<T>(part.first, part.last, [&](u64 i) -> SumOf<T>::type { return x[i]; }); \
    if (threadIdx.x % 32 == 0) out[part.index] = sum;                                                  \
  }                                                                                                    \
  extern "C" __global__ void extremes_##T(const T* x, u64 count, u64 capacity,                         \
                                          Extremes<Ordered<T>::Key>* out, u64 outCapacity) {           \
    extremesOf<T>(x, bounded(count, capacity), out, outCapacity);                                      \
  }
VGPU_FOR_TYPES(SUM)

#define DOT(T)                                                                                             \
  extern "C" __global__ void dot_##T(const T* x, const T* y, u64 count, u64 capacity, SumOf<T>::type* out, \
                                     u64 outCapacity) {                                                    \
    const Part part = partOf(bounded(count, capacity));                                                    \
    if (part.first >= part.last || part.index >= outCapacity) return;                                      \
    const auto sum = sumPart<T>(part.first, part.last, [&](u64 i) { return product(x[i], y[i]); });        \
    if (threadIdx.x % 32 == 0) out[part.index] = sum;                                                      \
  }
DOT(f32)
DOT(f64)
DOT(i32)
DOT(u32)

// The squares of numbers that are divided by a power of two first, one after the other like on the CPU. For
// vectors whose squares leave the range of double, which are rare.
extern "C" __global__ void norm_scaled_f64(const f64* x, int exponent, u64 count, u64 capacity, f64* out,
                                           u64 outCapacity) {
  const Part part = partOf(bounded(count, capacity));
  if (part.first >= part.last || part.index >= outCapacity || threadIdx.x % 32 != 0) return;
  f64 sum = 0;
  for (u64 i = part.first; i < part.last; ++i) {
    const f64 scaled = scalbn(x[i], -exponent);
    sum = __dadd_rn(sum, __dmul_rn(scaled, scaled));
  }
  out[part.index] = sum;
}

// y = a x for each of a batch of matrices, a warp for each row. Rows lie one behind the other; `rowsOfEach`
// of them are one matrix.
#define MATVEC(T)                                                                                    \
  extern "C" __global__ void matvec_##T(const T* a, u64 aCapacity, const T* x, u64 xCapacity, T* y,  \
                                        u64 yCapacity, u64 rows, u64 rowsOfEach, u64 columns) {      \
    const u64 row = firstIndex() / 32;                                                               \
    if (row >= bounded(rows, yCapacity) || rowsOfEach == 0 || !holds(aCapacity, row + 1, columns) || \
        !holds(xCapacity, row / rowsOfEach + 1, columns))                                            \
      return;                                                                                        \
    const T* elements = a + row * columns;                                                           \
    const T* vector = x + row / rowsOfEach * columns;                                                \
    const T sum = dotOfRow<T>(elements, vector, columns);                                            \
    if (threadIdx.x % 32 == 0) y[row] = sum;                                                         \
  }
MATVEC(f32)
MATVEC(f64)
// Signed integers, too: they wrap around to the same bits.
MATVEC(u32)
MATVEC(u64)
