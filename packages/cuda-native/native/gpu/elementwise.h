// compute/elementwise.h on the device: the same arguments, checks and bits.
#pragma once

#include "compute/elementwise.h"
#include "gpu/context.h"

namespace vgpu::gpu {

void binary(const Context& context, compute::Binary operation, const compute::Array& x,
            const compute::Array& y, const compute::Array& out);
void scale(const Context& context, const compute::Array& x, const compute::Number& factor,
           const compute::Array& out);
void axpy(const Context& context, const compute::Number& alpha, const compute::Array& x,
          const compute::Array& y, const compute::Array& out);
void fill(const Context& context, const compute::Number& value, const compute::Array& out);
void cast(const Context& context, const compute::Array& x, const compute::Array& out);

}  // namespace vgpu::gpu
