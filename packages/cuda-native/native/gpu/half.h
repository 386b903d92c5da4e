// compute/half.h on the device: the same arguments, checks and bits, but for what NaN is made of.
#pragma once

#include "compute/half.h"
#include "gpu/context.h"

namespace vgpu::gpu {

void toHalf(const Context& context, const compute::Array& x, const compute::HalfArray& out);
void fromHalf(const Context& context, const compute::HalfArray& x, const compute::Array& out);

}  // namespace vgpu::gpu
