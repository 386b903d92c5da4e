// What operations on points take, beside matrices.
#pragma once

#include "compute/distance.h"
#include "compute/force_layout.h"
#include "compute/spatial_grid.h"
#include "function.h"

namespace vgpu::addon {

compute::Metric metricArgument(const Info& info, std::size_t index);
/** Three arguments: cellSize, origin, cells; the last two have three elements, of which the last is not used
 * in the plane. */
compute::Grid gridArgument(const Info& info, std::size_t index, std::size_t axes);
/** [repulsion, radius, stiffness, springLength, step, most] */
compute::Forces forcesArgument(const Info& info, std::size_t index);

}  // namespace vgpu::addon
