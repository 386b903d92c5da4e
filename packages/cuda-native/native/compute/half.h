// IEEE 754 binary16 as storage: to and from the other types.
#pragma once

#include "compute/context.h"
#include "compute/element_type.h"

namespace vgpu::compute {

/** Elements of f16 that somebody else owns. */
struct HalfArray {
  std::uint16_t* data = nullptr;
  std::size_t count = 0;
};

// What the two check before they touch memory.
void checkToHalf(const Array& x, const HalfArray& out);
void checkFromHalf(const HalfArray& x, const Array& out);

/** Rounds to nearest, ties to even; beyond the range to infinity. Outputs overlap no input. */
void toHalf(const Context& context, const Array& x, const HalfArray& out);
/** Floats exactly; integers as cast() makes them of floats. */
void fromHalf(const Context& context, const HalfArray& x, const Array& out);

}  // namespace vgpu::compute
