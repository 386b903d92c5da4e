// How many elements lie in each of several equal intervals.
#pragma once

#include "compute/context.h"
#include "compute/element_type.h"

namespace vgpu::compute {

/** `counts`, of u32, has one element for each interval. They divide low … high evenly; each has its lower
 * end, the last one also its upper one. What lies outside, and NaN, is not counted. Both ends are finite, low
 * < high. */
void histogram(Context& context, const Array& x, double low, double high, const Array& counts);

}  // namespace vgpu::compute
