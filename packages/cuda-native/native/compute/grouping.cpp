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
  const auto keys = context.allocate<std::uint32_t>(itemCount);
  const Columns<Pair32> sorted{keys.get(), items};
  radixSort(
      context, itemCount,
      [&](std::size_t i) {
        return Pair32{groupOf(i), static_cast<std::uint32_t>(i)};
      },
      [=](std::size_t first, std::size_t count, const auto& from) {
        writeColumns(sorted, first, count, from);
      },
      sorted);
  // Each item tells where the groups after its predecessor's begin, up to its own; one more, where the rest
  // do.
  context.forBlocks(itemCount + 1, kBlock, [&](std::size_t first, std::size_t last) {
    for (std::size_t i = first; i < last; ++i) {
      const std::size_t from = i == 0 ? 0 : std::size_t{keys[i - 1]} + 1;
      const std::size_t to = i == itemCount ? groups : keys[i];
      for (std::size_t group = from; group <= to; ++group) starts[group] = static_cast<std::uint32_t>(i);
    }
  });
}

}  // namespace vgpu::compute
