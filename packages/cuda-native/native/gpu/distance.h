// compute/distance.h on the device: the same arguments and checks. Distances are computed in double; the
// nearest neighbours are those of the CPU path.
#pragma once

#include "compute/distance.h"
#include "gpu/context.h"

namespace vgpu::gpu {

void pairwiseDistance(const Context& context, compute::Metric metric, const compute::Matrix& x,
                      const compute::Matrix& y, const compute::Matrix& distances);
void nearestNeighbours(const Context& context, compute::Metric metric, const compute::Matrix& queries,
                       const compute::Matrix& points, const compute::Matrix& distances,
                       const compute::Matrix& indices);

}  // namespace vgpu::gpu
