// What JavaScript passes. The TypeScript side has checked it for the user; these checks keep a mistake there
// from becoming a wild address here.
#pragma once

#include <napi.h>

#include <cstddef>

#include "compute/element_type.h"
#include "compute/matrix.h"
#include "compute/reduce.h"
#include "compute/sort.h"

namespace vgpu::addon {

bool booleanArgument(const Napi::CallbackInfo& info, std::size_t index);
double numberArgument(const Napi::CallbackInfo& info, std::size_t index);
/** An integer from 0 to 2^53 - 1. */
std::size_t sizeArgument(const Napi::CallbackInfo& info, std::size_t index);
/** A number, or a bigint of up to 64 bits. */
compute::Number scalarArgument(const Napi::CallbackInfo& info, std::size_t index);
/** A typed array of an element type that there is; over shared memory, too. All of its elements. */
compute::Array arrayArgument(const Napi::CallbackInfo& info, std::size_t index);
/** The first `count` elements.
 * @throws compute::Error capacity, when there are not so many */
compute::Array arrayArgument(const Napi::CallbackInfo& info, std::size_t index, std::size_t count);
/** Four arguments: a typed array, rows, columns, stride. The operation checks that they fit. */
compute::Matrix matrixArgument(const Napi::CallbackInfo& info, std::size_t index);

}  // namespace vgpu::addon
