// Operations on each element by itself.
#pragma once

#include <variant>

#include "compute/context.h"
#include "compute/element_type.h"
#include "compute/reduce.h"

namespace vgpu::compute {

enum class Binary { add, sub, mul, div };

// All arrays have the same type and x.count elements at least; `out` may be an input, but overlap none
// otherwise. Integers wrap around. Floats are rounded after each step, so that axpy is a product and then a
// sum.

/** @throws Error divisionByZero, naming the first integer divisor that is 0; nothing has been written then */
void binary(const Context& context, Binary operation, const Array& x, const Array& y, const Array& out);
/** The factor is converted to the elements' type first, like cast() does it. */
void scale(const Context& context, const Array& x, const Number& factor, const Array& out);
void axpy(const Context& context, const Number& alpha, const Array& x, const Array& y, const Array& out);
/** All of `out`. */
void fill(const Context& context, const Number& value, const Array& out);
/** Floats beyond the integers' range become the nearest integer, NaN becomes 0; integers wrap around. `out`
 * may be x where both have elements of one size. */
void cast(const Context& context, const Array& x, const Array& out);

}  // namespace vgpu::compute
