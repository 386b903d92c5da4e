// Sorting of keys that are on the device already.
#pragma once

#include "compute/sort.h"
#include "gpu/context.h"

namespace vgpu::gpu {

/** What was sorted: keys as unsigned integers, and where each was. */
struct Sorted {
  Buffer keys;
  /** Of u32. */
  Buffer indices;
};

/** Stable. There is one key at least, and less than 2³² of them. */
Sorted sortOnDevice(const Context& context, Buffer keys, compute::ElementType type, std::size_t count,
                    compute::Order order);

}  // namespace vgpu::gpu
