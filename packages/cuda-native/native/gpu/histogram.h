// compute/histogram.h on the device: the same arguments, checks and counts.
#pragma once

#include "compute/histogram.h"
#include "gpu/context.h"

namespace vgpu::gpu {

void histogram(const Context& context, const compute::Array& x, double low, double high,
               const compute::Array& counts);

}  // namespace vgpu::gpu
