// Running sums.
#pragma once

#include "compute/context.h"
#include "compute/element_type.h"

namespace vgpu::compute {

enum class Scan { inclusive, exclusive };

/** out[i] = the sum of x up to i, with or without x[i]. Integers wrap around; floats are summed in double, in
 * an order that does not depend on the number of threads. `out` may be x, but not overlap it otherwise. */
void scan(const Context& context, Scan kind, const Array& x, const Array& out);

}  // namespace vgpu::compute
