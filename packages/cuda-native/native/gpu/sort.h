// compute/sort.h on the device: the same arguments, checks and bits. At most 2^32 - 1 elements.
#pragma once

#include "compute/sort.h"
#include "gpu/context.h"

namespace vgpu::gpu {

void sort(const Context& context, const compute::Array& keys, compute::Order order,
          const compute::Array& out);
void sortPairs(const Context& context, const compute::Array& keys, const compute::Array& values,
               compute::Order order, const compute::Array& outKeys, const compute::Array& outValues);
void argsort(const Context& context, const compute::Array& keys, compute::Order order,
             const compute::Array& indices);
void topK(const Context& context, const compute::Array& x, compute::Order order, const compute::Array& values,
          const compute::Array& indices);

}  // namespace vgpu::gpu
