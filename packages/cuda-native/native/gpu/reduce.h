// compute/reduce.h on the device: the same arguments, checks and bits.
#pragma once

#include "compute/reduce.h"
#include "gpu/context.h"

namespace vgpu::gpu {

compute::Number sum(const Context& context, const compute::Array& x);
double mean(const Context& context, const compute::Array& x);
compute::Number least(const Context& context, const compute::Array& x);
compute::Number greatest(const Context& context, const compute::Array& x);
compute::Number dot(const Context& context, const compute::Array& x, const compute::Array& y);
double norm(const Context& context, const compute::Array& x);

}  // namespace vgpu::gpu
