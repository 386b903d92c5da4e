// How many elements lie in each of several equal intervals: in shared memory where they fit, else in global
// memory.
#include "common.cuh"

namespace vgpu::kernels {
namespace {

constexpr u64 kSharedBins = 4096;

template <typename T>
__device__ void countElements(const T* x, u64 count, f64 low, f64 high, u32* counts, u64 bins) {
  __shared__ u32 own[kSharedBins];
  const bool shared = bins <= kSharedBins;
  for (u64 bin = threadIdx.x; shared && bin < bins; bin += blockDim.x) own[bin] = 0;
  __syncthreads();
  const f64 width = high - low;
  const auto number = static_cast<f64>(bins);
  for (u64 i = firstIndex(); i < count; i += indexStep()) {
    const auto value = static_cast<f64>(x[i]);
    // False for NaN, too.
    if (!(value >= low && value <= high)) continue;
    const auto bin = static_cast<u64>(__dmul_rn((value - low) / width, number));
    atomicAdd((shared ? own : counts) + (bin < bins ? bin : bins - 1), 1U);
  }
  __syncthreads();
  for (u64 bin = threadIdx.x; shared && bin < bins; bin += blockDim.x) {
    if (own[bin] != 0) atomicAdd(counts + bin, own[bin]);
  }
}

}  // namespace
}  // namespace vgpu::kernels

using namespace vgpu::kernels;

#define HISTOGRAM(T)                                                                               \
  extern "C" __global__ void histogram_##T(const T* x, u64 count, u64 capacity, f64 low, f64 high, \
                                           u32* counts, u64 bins, u64 binsCapacity) {              \
    if (bins == 0 || bins > binsCapacity) return;                                                  \
    countElements<T>(x, bounded(count, capacity), low, high, counts, bins);                        \
  }
VGPU_FOR_TYPES(HISTOGRAM)
