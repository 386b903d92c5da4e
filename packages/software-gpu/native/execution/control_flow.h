// Where threads go on behind an instruction.
#pragma once

#include <cstdint>
#include <vector>

#include "execution/decoded_kernel.h"

namespace vgpu::software {

/// All positions that can come next. Targets of branches are positions already, and no longer labels.
std::vector<std::uint32_t> next_positions(const Instruction& instruction, std::uint32_t position,
                                          const std::vector<std::vector<std::uint32_t>>& branch_tables);

}  // namespace vgpu::software
