// compute/scan.h on the device: integers with the same bits. Floats are summed in double in another order.
#pragma once

#include "compute/scan.h"
#include "gpu/context.h"

namespace vgpu::gpu {

void scan(const Context& context, compute::Scan kind, const compute::Array& x, const compute::Array& out);

/** Running sums of what is on the device, before each element; u32. In place. */
void scanCounts(const Context& context, DevicePointer counts, std::size_t count);

}  // namespace vgpu::gpu
