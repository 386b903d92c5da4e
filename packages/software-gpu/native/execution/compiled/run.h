// A run: a stretch of instructions that is entered at its first and left behind its last, all of which can be
// compiled. Where a load or store does not follow a simple pattern it is left in front of that instruction.
#pragma once

#include <cstdint>
#include <vector>

#include "execution/decoded_kernel.h"

namespace vgpu::software {

struct Run {
  std::uint32_t first;
  std::uint32_t length;
};

/// All runs that are worth compiling. For where a run is left in front of a load or store, there are others
/// that go on behind it.
std::vector<Run> find_runs(const DecodedKernel& kernel);

}  // namespace vgpu::software
