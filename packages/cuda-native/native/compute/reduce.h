// Operations that turn arrays into one number. The parts that are summed do not depend on the number of
// threads, nor does the order in which their sums are added: the bits of a result are the same on every
// machine.
#pragma once

#include <variant>

#include "compute/context.h"
#include "compute/element_type.h"

namespace vgpu::compute {

using Number = std::variant<double, Wide>;

/** Exact for integers. Floats: in double, with an error below 2⁻⁵³ (1030 + log2(count)) Σ|x|, if nothing
 * overflows: blocks of 2¹⁵ elements have 32 partial sums each, and the sums of blocks are added in pairs. */
Number sum(const Context& context, const Array& x);
/** The sum divided by the count, which may not be 0. */
double mean(const Context& context, const Array& x);
/** The least element; NaN if there is one. −0 is less than +0. The count may not be 0. */
Number least(const Context& context, const Array& x);
Number greatest(const Context& context, const Array& x);
/** Exact for 32-bit integers; others like sum(). Not for 64-bit integers. */
Number dot(const Context& context, const Array& x, const Array& y);
/** The Euclidean norm: it neither overflows nor underflows where the result does not. Not for 64-bit
 * integers. */
double norm(const Context& context, const Array& x);

}  // namespace vgpu::compute
