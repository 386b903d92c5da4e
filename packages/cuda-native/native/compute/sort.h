// Sorting, all of it stable. Ascending: numbers, -0 before +0, then every NaN, which comes out as the quiet
// one. Descending is the opposite order of keys; equal ones stay in the order that they had.
#pragma once

#include "compute/context.h"
#include "compute/element_type.h"

namespace vgpu::compute {

enum class Order { ascending, descending };

// Outputs have as many elements as `keys` at least. They may be the inputs, but overlap neither them
// otherwise nor each other. What an operation that fails leaves in them is undefined.

void sort(Context& context, const Array& keys, Order order, const Array& out);
void sortPairs(Context& context, const Array& keys, const Array& values, Order order, const Array& outKeys,
               const Array& outValues);
/** `indices`, of u32: where the key that belongs at each place is. */
void argsort(Context& context, const Array& keys, Order order, const Array& indices);
/** The first `values.count` elements in the order, with their indices (u32); of equal ones, those that come
 * first. There are as many elements at least, and as many indices. */
void topK(Context& context, const Array& x, Order order, const Array& values, const Array& indices);

}  // namespace vgpu::compute
