// compute/bit_matrix.h on the device: the same arguments, checks and bits.
#pragma once

#include "compute/bit_matrix.h"
#include "gpu/context.h"

namespace vgpu::gpu {

void multiplyBits(const Context& context, const compute::BitMatrix& a, const compute::BitMatrix& b,
                  const compute::Matrix& c);

}  // namespace vgpu::gpu
