// A stable radix sort, from the lowest digit on: how often each digit occurs in each tile, where in the
// output those of each tile begin (the running sums, by the scan's kernels), then each tile sorts its
// elements by the digit and writes them there. Numbers are turned into unsigned integers that sort alike
// (native/compute/sort_key.h).
#include <cub/block/block_radix_sort.cuh>

#include "common.cuh"

namespace vgpu::kernels {
namespace {

constexpr int kThreads = 256;
constexpr int kItems = 8;
constexpr int kTile = kThreads * kItems;
constexpr int kDigitBits = 8;
constexpr int kDigits = 1 << kDigitBits;

template <typename Key>
__device__ u32 digitOf(Key key, int shift) {
  return static_cast<u32>(key >> shift) % kDigits;
}

template <typename Key>
__device__ void countDigits(const Key* keys, u64 count, int shift, u32* counts, u64 countsCapacity) {
  __shared__ u32 own[kDigits];
  own[threadIdx.x] = 0;
  __syncthreads();
  const u64 first = u64{blockIdx.x} * kTile;
  for (int item = 0; item < kItems; ++item) {
    const u64 i = first + item * kThreads + threadIdx.x;
    if (i < count) atomicAdd(own + digitOf(keys[i], shift), 1U);
  }
  __syncthreads();
  const u64 at = u64{threadIdx.x} * gridDim.x + blockIdx.x;
  if (at < countsCapacity) counts[at] = own[threadIdx.x];
}

/** Where tiles have sorted their elements to. `starts`: for each digit, for each tile. */
template <typename Key>
__device__ void scatter(const Key* keys, const u32* indices, u64 count, int shift, const u32* starts,
                        u64 startsCapacity, Key* outKeys, u32* outIndices, u64 outCapacity) {
  using Sort = cub::BlockRadixSort<Key, kThreads, kItems, u32>;
  __shared__ union {
    typename Sort::TempStorage sort;
    u32 firstOf[kDigits];
  } shared;
  const u64 first = u64{blockIdx.x} * kTile;
  const u32 valid = static_cast<u32>(bounded(count - first, kTile));
  Key own[kItems];
  u32 ownIndices[kItems];
  for (int item = 0; item < kItems; ++item) {
    const u32 i = threadIdx.x * kItems + item;
    // Beyond the end: behind everything of the tile, because sorting is stable.
    own[item] = i < valid ? keys[first + i] : static_cast<Key>(~Key{0});
    ownIndices[item] = i < valid ? indices[first + i] : 0;
  }
  Sort(shared.sort).SortBlockedToStriped(own, ownIndices, shift, shift + kDigitBits);
  __syncthreads();
  // Where each digit begins in the sorted tile: the least place at which it is.
  shared.firstOf[threadIdx.x] = kTile;
  __syncthreads();
  for (int item = 0; item < kItems; ++item) {
    const u32 place = item * kThreads + threadIdx.x;
    atomicMin(shared.firstOf + digitOf(own[item], shift), place);
  }
  __syncthreads();
  for (int item = 0; item < kItems; ++item) {
    const u32 place = item * kThreads + threadIdx.x;
    if (place >= valid) continue;
    const u32 digit = digitOf(own[item], shift);
    const u64 start = u64{digit} * gridDim.x + blockIdx.x;
    if (start >= startsCapacity) continue;
    const u64 to = u64{starts[start]} + (place - shared.firstOf[digit]);
    if (to >= outCapacity) continue;
    outKeys[to] = own[item];
    outIndices[to] = ownIndices[item];
  }
}

template <typename T>
struct KeyOf {
  using type = T;
};
template <>
struct KeyOf<f32> {
  using type = u32;
};
template <>
struct KeyOf<f64> {
  using type = u64;
};
template <>
struct KeyOf<i32> {
  using type = u32;
};
template <>
struct KeyOf<i64> {
  using type = u64;
};

template <typename T>
__device__ typename KeyOf<T>::type bitsOf(T value) {
  if constexpr (sizeof(T) == 4) return *reinterpret_cast<const u32*>(&value);
  if constexpr (sizeof(T) == 8) return *reinterpret_cast<const u64*>(&value);
}

template <typename T>
__device__ T fromBits(typename KeyOf<T>::type bits) {
  return *reinterpret_cast<const T*>(&bits);
}

template <typename T>
constexpr bool isFloat = static_cast<T>(0.5) != T{0};
template <typename T>
constexpr bool isSigned = static_cast<T>(-1) < T{0};

template <typename T>
__device__ typename KeyOf<T>::type toKey(T value) {
  using Key = typename KeyOf<T>::type;
  constexpr Key sign = Key{1} << (8 * sizeof(T) - 1);
  const Key bits = bitsOf(value);
  if constexpr (isFloat<T>) {
    if (value != value) return ~Key{0};
    return (bits & sign) != 0 ? ~bits : bits | sign;
  } else {
    return isSigned<T> ? bits ^ sign : bits;
  }
}

template <typename T>
__device__ T fromKey(typename KeyOf<T>::type key) {
  using Key = typename KeyOf<T>::type;
  constexpr Key sign = Key{1} << (8 * sizeof(T) - 1);
  // The quiet NaN, like that of the CPU path.
  constexpr Key quiet = sizeof(T) == 4 ? static_cast<Key>(0x7fc00000) : static_cast<Key>(0x7ff8000000000000);
  if constexpr (isFloat<T>) {
    if (key == static_cast<Key>(~Key{0})) return fromBits<T>(quiet);
    return fromBits<T>((key & sign) != 0 ? key ^ sign : static_cast<Key>(~key));
  } else {
    return fromBits<T>(isSigned<T> ? key ^ sign : key);
  }
}

}  // namespace
}  // namespace vgpu::kernels

using namespace vgpu::kernels;

#define SORT(Key)                                                                                 \
  extern "C" __global__ void __launch_bounds__(256) sort_count_##Key(                             \
      const Key* keys, u64 count, u64 capacity, int shift, u32* counts, u64 countsCapacity) {     \
    countDigits<Key>(keys, bounded(count, capacity), shift, counts, countsCapacity);              \
  }                                                                                               \
  extern "C" __global__ void __launch_bounds__(256)                                               \
      sort_scatter_##Key(const Key* keys, const u32* indices, u64 count, u64 capacity, int shift, \
                         const u32* starts, u64 startsCapacity, Key* outKeys, u32* outIndices) {  \
    const u64 n = bounded(count, capacity);                                                       \
    if (u64{blockIdx.x} * kTile >= n) return;                                                     \
    scatter<Key>(keys, indices, n, shift, starts, startsCapacity, outKeys, outIndices, capacity); \
  }
SORT(u32)
SORT(u64)

// `flip`: all bits set for the opposite order. Indices may be absent.
#define KEYS(T)                                                                                        \
  extern "C" __global__ void sort_keys_##T(const T* x, KeyOf<T>::type* keys, KeyOf<T>::type flip,      \
                                           u32* indices, u64 count, u64 capacity) {                    \
    const u64 n = bounded(count, capacity);                                                            \
    for (u64 i = firstIndex(); i < n; i += indexStep()) {                                              \
      keys[i] = toKey(x[i]) ^ flip;                                                                    \
      indices[i] = static_cast<u32>(i);                                                                \
    }                                                                                                  \
  }                                                                                                    \
  extern "C" __global__ void sort_numbers_##T(const KeyOf<T>::type* keys, KeyOf<T>::type flip, T* out, \
                                              u64 count, u64 capacity) {                               \
    const u64 n = bounded(count, capacity);                                                            \
    for (u64 i = firstIndex(); i < n; i += indexStep()) out[i] = fromKey<T>(keys[i] ^ flip);           \
  }
VGPU_FOR_TYPES(KEYS)

#define GATHER(T)                                                                                    \
  extern "C" __global__ void sort_gather_##T(const T* values, const u32* indices, T* out, u64 count, \
                                             u64 capacity) {                                         \
    const u64 n = bounded(count, capacity);                                                          \
    for (u64 i = firstIndex(); i < n; i += indexStep()) {                                            \
      const u32 from = indices[i];                                                                   \
      if (from < capacity) out[i] = values[from];                                                    \
    }                                                                                                \
  }
GATHER(u32)
GATHER(u64)
