// What JavaScript passes. The TypeScript side has checked it for the user; these checks keep a mistake there
// from becoming a wild address here.
#pragma once

#include <napi.h>

#include <cstddef>
#include <initializer_list>

#include "compute/bit_matrix.h"
#include "compute/element_type.h"
#include "compute/half.h"
#include "compute/matrix.h"
#include "compute/reduce.h"
#include "compute/sort.h"

namespace vgpu::addon {

bool booleanArgument(const Napi::CallbackInfo& info, std::size_t index);
/** A boolean: whether it is descending. */
compute::Order orderArgument(const Napi::CallbackInfo& info, std::size_t index);
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

/** Six arguments: those of a matrix, then how many matrices, and how many elements lie between the beginnings
 * of two. */
compute::MatrixBatch batchArgument(const Napi::CallbackInfo& info, std::size_t index);
/** Four arguments: a BigUint64Array, rows, columns, and a stride in words. */
compute::BitMatrix bitMatrixArgument(const Napi::CallbackInfo& info, std::size_t index);
/** A Uint16Array: the first `count` elements of f16.
 * @throws compute::Error capacity, when there are not so many */
compute::HalfArray halfArgument(const Napi::CallbackInfo& info, std::size_t index, std::size_t count);
/** Of all typed arrays among the arguments from the third on. */
std::size_t arrayBytes(const Napi::CallbackInfo& info);
/** One of the names; returns which. */
std::size_t choiceArgument(const Napi::CallbackInfo& info, std::size_t index,
                           std::initializer_list<const char*> names);

}  // namespace vgpu::addon
