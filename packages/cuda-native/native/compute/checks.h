// What every operation checks before it touches memory.
#pragma once

#include "compute/element_type.h"

namespace vgpu::compute {

/** @throws Error capacity when `count` is more than the array has */
void checkCount(std::size_t count, const Array& array);
/** @throws Error argument when the types differ */
void checkType(const Array& array, ElementType type);
/** Reads and writes at the same place are fine, overlaps at another offset are not.
 * @throws Error overlap */
void checkSameOrApart(const Array& input, const Array& output);
/** @throws Error overlap */
void checkApart(const Array& one, const Array& other);

}  // namespace vgpu::compute
