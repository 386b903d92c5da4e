// Items by the group that each belongs to.
#pragma once

#include "compute/context.h"

namespace vgpu::compute {

/** Group g's items, in their order, are items[starts[g]] … items[starts[g + 1] - 1]. `starts` has one element
 * more than there are groups; there are less than 2³² items, and `groupOf(item)` is less than `groups`. */
void groupItems(Context& context, std::size_t itemCount, std::size_t groups,
                const std::function<std::uint32_t(std::size_t)>& groupOf, std::uint32_t* starts,
                std::uint32_t* items);

}  // namespace vgpu::compute
