// One order of adding for both paths, so that their sums have the same bits.
#pragma once

#include <cstddef>
#include <vector>

namespace vgpu::compute {

/** Adds in pairs, and pairs of pairs, so that rounding errors grow with the logarithm of the count.
 * Overwrites them. */
template <typename S>
S addInPairs(std::vector<S>& sums) {
  if (sums.empty()) return 0;
  for (std::size_t count = sums.size(); count > 1; count = (count + 1) / 2) {
    for (std::size_t i = 0; i < count / 2; ++i) sums[i] = sums[2 * i] + sums[2 * i + 1];
    if (count % 2 != 0) sums[count / 2] = sums[count - 1];
  }
  return sums.front();
}

}  // namespace vgpu::compute
