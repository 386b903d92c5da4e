// A run: a stretch of instructions that is entered at its first and left behind its last, all of which can be
// compiled.
#pragma once

#include <cstdint>
#include <vector>

#include "execution/decoded_kernel.h"

namespace vgpu::software {

struct Run {
  std::uint32_t first;
  std::uint32_t length;
};

/// All runs that are worth compiling, in the order of the code.
std::vector<Run> find_runs(const DecodedKernel& kernel);

}  // namespace vgpu::software
