// compute/linear_system.h on the device: the same arguments and checks. Elimination goes column by column, in
// another order of operations than on the CPU.
#pragma once

#include "compute/linear_system.h"
#include "gpu/context.h"

namespace vgpu::gpu {

void solve(const Context& context, const compute::Matrix& a, const compute::Matrix& b,
           const compute::Matrix& x);
void invert(const Context& context, const compute::Matrix& a, const compute::Matrix& inverse);

}  // namespace vgpu::gpu
