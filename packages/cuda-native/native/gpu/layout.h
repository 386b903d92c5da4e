// compute/spatial_grid.h and compute/force_layout.h on the device: the same arguments, checks and bits.
#pragma once

#include "compute/force_layout.h"
#include "compute/spatial_grid.h"
#include "gpu/context.h"

namespace vgpu::gpu {

void spatialGrid(const Context& context, const compute::Matrix& points, const compute::Grid& grid,
                 const compute::Array& starts, const compute::Array& items);
void forceLayoutStep(const Context& context, const compute::Matrix& positions, const compute::Array& edges,
                     const compute::Forces& forces, const compute::Matrix& out);

}  // namespace vgpu::gpu
