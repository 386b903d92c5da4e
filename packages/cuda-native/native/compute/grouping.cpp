#include "compute/grouping.h"

#include <algorithm>

#include "compute/radix_sort.h"

namespace vgpu::compute {
namespace {

constexpr std::size_t kBlock = std::size_t{1} << 15;

}  // namespace

void groupItems(Context& context, std::size_t itemCount, std::size_t groups,
                const std::function<std::uint32_t(std::size_t)>& groupOf, std::uint32_t* starts,
                std::uint32_t* items) {
  // Were somebody to write what groupOf() reads, groups could be left out: nothing may be read as a place
  // then that is none.
  context.forBlocks(groups + 1, kBlock, [&](std::size_t first, std::size_t last) {
    std::fill(starts + first, starts + last, 0);
  });
  const auto pairs = context.allocate<Pair32>(itemCount);
  radixSort<Pair32>(context, itemCount,
                    {.load =
                         [&](std::size_t first, std::size_t count, Pair32* to) {
                           for (std::size_t i = 0; i < count; ++i)
                             to[i] = {groupOf(first + i), static_cast<std::uint32_t>(first + i)};
                         },
                     .store = [&](std::size_t first, std::size_t count,
                                  const Pair32* from) { std::copy_n(from, count, pairs.get() + first); }});
  // Each pair tells where the groups after its predecessor's begin, up to its own; one more, where the rest
  // do.
  context.forBlocks(itemCount + 1, kBlock, [&](std::size_t first, std::size_t last) {
    for (std::size_t i = first; i < last; ++i) {
      const std::size_t from = i == 0 ? 0 : std::size_t{pairs[i - 1].key} + 1;
      const std::size_t to = i == itemCount ? groups : pairs[i].key;
      for (std::size_t group = from; group <= to; ++group) starts[group] = static_cast<std::uint32_t>(i);
      if (i < itemCount) items[i] = pairs[i].payload;
    }
  });
}

}  // namespace vgpu::compute
