// Running sums in three steps: the sum of each tile, the running sums of those (by the same kernels), then
// those inside each tile. Floats are summed in double, integers wrap around.
#include <cub/block/block_reduce.cuh>
#include <cub/block/block_scan.cuh>

#include "common.cuh"

namespace vgpu::kernels {
namespace {

constexpr int kThreads = 256;
constexpr int kItems = 8;
constexpr int kTile = kThreads * kItems;

template <typename T>
struct SumOf {
  using type = T;
};
template <>
struct SumOf<f32> {
  using type = f64;
};

template <typename T>
__device__ void sumTile(const T* x, u64 count, typename SumOf<T>::type* sums, u64 sumsCapacity) {
  using Sum = typename SumOf<T>::type;
  using Reduce = cub::BlockReduce<Sum, kThreads>;
  __shared__ typename Reduce::TempStorage storage;
  const u64 first = u64{blockIdx.x} * kTile + threadIdx.x * kItems;
  Sum sum = 0;
  for (int item = 0; item < kItems; ++item) {
    if (first + item < count) sum += static_cast<Sum>(x[first + item]);
  }
  const Sum all = Reduce(storage).Sum(sum);
  if (threadIdx.x == 0 && blockIdx.x < sumsCapacity) sums[blockIdx.x] = all;
}

template <typename T>
__device__ void scanTile(const T* x, T* out, u64 count, const typename SumOf<T>::type* starts,
                         u64 startsCapacity, int inclusive) {
  using Sum = typename SumOf<T>::type;
  using Scan = cub::BlockScan<Sum, kThreads>;
  __shared__ typename Scan::TempStorage storage;
  const u64 first = u64{blockIdx.x} * kTile + threadIdx.x * kItems;
  Sum items[kItems];
  for (int item = 0; item < kItems; ++item) {
    items[item] = first + item < count ? static_cast<Sum>(x[first + item]) : Sum{0};
  }
  Sum own = 0;
  for (int item = 0; item < kItems; ++item) own += items[item];
  Sum before = 0;
  Scan(storage).ExclusiveSum(own, before);
  Sum running = before + (blockIdx.x < startsCapacity ? starts[blockIdx.x] : Sum{0});
  for (int item = 0; item < kItems; ++item) {
    const Sum exclusive = running;
    running += items[item];
    if (first + item < count) out[first + item] = static_cast<T>(inclusive != 0 ? running : exclusive);
  }
}

}  // namespace
}  // namespace vgpu::kernels

using namespace vgpu::kernels;

#define SCAN(T)                                                                                       \
  extern "C" __global__ void scan_sums_##T(const T* x, u64 count, u64 capacity, SumOf<T>::type* sums, \
                                           u64 sumsCapacity) {                                        \
    sumTile<T>(x, bounded(count, capacity), sums, sumsCapacity);                                      \
  }                                                                                                   \
  extern "C" __global__ void scan_tiles_##T(const T* x, T* out, u64 count, u64 capacity,              \
                                            const SumOf<T>::type* starts, u64 startsCapacity,         \
                                            int inclusive) {                                          \
    scanTile<T>(x, out, bounded(count, capacity), starts, startsCapacity, inclusive);                 \
  }
// Signed integers wrap around like unsigned ones.
SCAN(f32)
SCAN(f64)
SCAN(u32)
SCAN(u64)
