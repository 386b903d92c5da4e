// Distances between points, which are rows of matrices; in double, with the bits of the CPU path. And which
// of them are the least.
#include "warp_sum.cuh"

namespace vgpu::kernels {
namespace {

/** As compute/distance.h has them. */
enum Metric : int { kL2, kCosine, kDot };

template <typename T>
__device__ f64 dotOf(const T* x, const T* y, u64 columns) {
  return sumPart<T>(0, columns, [&](u64 i) { return product(x[i], y[i]); });
}

/** What distances are compared by: the Euclidean one's square. By a whole warp. */
template <typename T>
__device__ f64 compared(int metric, const T* x, const T* y, u64 columns) {
  if (metric == kL2) {
    return sumPart<T>(0, columns, [&](u64 i) {
      const f64 difference = static_cast<f64>(x[i]) - static_cast<f64>(y[i]);
      return __dmul_rn(difference, difference);
    });
  }
  const f64 common = dotOf(x, y, columns);
  if (metric == kDot) return -common;
  const f64 lengths = __dmul_rn(sqrt(dotOf(x, x, columns)), sqrt(dotOf(y, y, columns)));
  return lengths == 0 ? 1 : 1 - common / lengths;
}

constexpr int kThreads = 256;
constexpr int kWarps = kThreads / 32;
constexpr int kDigitBits = 8;
constexpr int kDigits = 1 << kDigitBits;

/** An integer that sorts alike: −0 is 0, NaN comes last. */
__device__ u64 keyOf(f64 value) {
  if (value != value) return ~u64{0};
  const auto bits = static_cast<u64>(__double_as_longlong(value + 0.0));
  return (bits >> 63) != 0 ? ~bits : bits | (u64{1} << 63);
}

/** The key that `wanted` keys do not exceed, and how many of those that are equal to it belong to them. From
 * the highest digit on; by a whole block. */
__device__ void findLimit(const f64* row, u64 count, u64 wanted, u64* limit, u64* equal) {
  __shared__ u32 counts[kDigits];
  __shared__ u64 found;
  __shared__ u64 left;
  u64 prefix = 0;
  u64 rest = wanted;
  for (int shift = 64 - kDigitBits; shift >= 0; shift -= kDigitBits) {
    counts[threadIdx.x] = 0;
    __syncthreads();
    for (u64 i = threadIdx.x; i < count; i += kThreads) {
      const u64 key = keyOf(row[i]);
      // A shift by all bits would be none.
      const bool matches = shift == 64 - kDigitBits || (key >> (shift + kDigitBits)) == prefix;
      if (matches) atomicAdd(counts + (key >> shift) % kDigits, 1U);
    }
    __syncthreads();
    if (threadIdx.x == 0) {
      u64 digit = 0;
      while (digit < kDigits - 1 && rest > counts[digit]) rest -= counts[digit++];
      found = prefix << kDigitBits | digit;
      left = rest;
    }
    __syncthreads();
    prefix = found;
    rest = left;
    __syncthreads();
  }
  *limit = prefix;
  *equal = rest;
}

/** Which they are, in no order; of those that are equal to the limit, the first ones. */
__device__ void collect(const f64* row, u64 count, u64 wanted, u64 limit, u64 equal, u32* chosen) {
  __shared__ u32 ofWarps[kWarps];
  __shared__ u64 taken;
  if (threadIdx.x == 0) taken = 0;
  u64 equalBefore = 0;
  for (u64 first = 0; first < count; first += kThreads) {
    const u64 i = first + threadIdx.x;
    const u64 key = i < count ? keyOf(row[i]) : ~u64{0};
    const bool same = i < count && key == limit;
    const unsigned inWarp = __ballot_sync(kAll, same);
    __syncthreads();
    if (threadIdx.x % 32 == 0) ofWarps[threadIdx.x / 32] = __popc(inWarp);
    __syncthreads();
    u64 before = equalBefore + __popc(inWarp & ((1U << threadIdx.x % 32) - 1));
    for (int warp = 0; warp < kWarps; ++warp) {
      if (warp < threadIdx.x / 32) before += ofWarps[warp];
      equalBefore += ofWarps[warp];
    }
    if (i >= count || !(key < limit || (same && before < equal))) continue;
    const u64 at = atomicAdd(reinterpret_cast<unsigned long long*>(&taken), 1ULL);
    if (at < wanted) chosen[at] = static_cast<u32>(i);
  }
  __syncthreads();
}

/** Puts them in order: the place of each is how many come before it. */
__device__ void order(const f64* row, u64 count, u64 wanted, const u32* chosen, u32* indices, f64* values) {
  for (u64 i = threadIdx.x; i < wanted; i += kThreads) {
    const u32 own = chosen[i];
    if (own >= count) continue;
    const u64 key = keyOf(row[own]);
    u64 place = 0;
    for (u64 j = 0; j < wanted; ++j) {
      const u32 other = chosen[j];
      const u64 otherKey = other < count ? keyOf(row[other]) : ~u64{0};
      place += otherKey < key || (otherKey == key && other < own) ? 1 : 0;
    }
    indices[place] = own;
    values[place] = row[own];
  }
}

}  // namespace
}  // namespace vgpu::kernels

using namespace vgpu::kernels;

#define DISTANCES(T)                                                                                        \
  extern "C" __global__ void compared_##T(int metric, const T* x, u64 xCapacity, const T* y, u64 yCapacity, \
                                          u64 xRows, u64 yRows, u64 columns, f64* out, u64 outCapacity) {   \
    if (!holds(xCapacity, xRows, columns) || !holds(yCapacity, yRows, columns) ||                           \
        !holds(outCapacity, xRows, yRows))                                                                  \
      return;                                                                                               \
    for (u64 pair = firstIndex() / 32; pair < xRows * yRows; pair += indexStep() / 32) {                    \
      const f64 found =                                                                                     \
          compared<T>(metric, x + pair / yRows * columns, y + pair % yRows * columns, columns);             \
      if (threadIdx.x % 32 == 0) out[pair] = found;                                                         \
    }                                                                                                       \
  }                                                                                                         \
  extern "C" __global__ void distance_##T(int metric, const f64* compared, T* out, u64 count,               \
                                          u64 capacity) {                                                   \
    const u64 n = bounded(count, capacity);                                                                 \
    for (u64 i = firstIndex(); i < n; i += indexStep())                                                     \
      out[i] = static_cast<T>(metric == kL2 ? sqrt(compared[i]) : compared[i]);                             \
  }
DISTANCES(f32)
DISTANCES(f64)

// The least `wanted` of each row with their indices, the least first; of equal ones those that come first. A
// block for each row. `chosen` is room for as many as `indices`.
extern "C" __global__ void __launch_bounds__(256)
    nearest(const f64* rows, u64 capacity, u64 count, u64 columns, u64 wanted, u32* chosen, u32* indices,
            f64* values, u64 outCapacity) {
  if (!holds(capacity, count, columns) || !holds(outCapacity, count, wanted) || wanted > columns) return;
  for (u64 i = blockIdx.x; i < count; i += gridDim.x) {
    const f64* row = rows + i * columns;
    u64 limit = 0;
    u64 equal = 0;
    findLimit(row, columns, wanted, &limit, &equal);
    collect(row, columns, wanted, limit, equal, chosen + i * wanted);
    order(row, columns, wanted, chosen + i * wanted, indices + i * wanted, values + i * wanted);
    __syncthreads();
  }
}
